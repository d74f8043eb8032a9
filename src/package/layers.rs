//! Layers: the components that each rung adds to the one below it as a file of their own, and a rung
//! joined from the lowest rung and the layers above it. A layer's samples hold the bytes of its
//! components exactly as the rung's samples do.

use super::PackageError;
use super::ladder::track_difference;
use super::rung::{Rung, rung_id};
use crate::prompt::CodingId;
use crate::segment::Track;
use crate::segment::coded::{CodedFrame, CodedSegment};

/// The layers of a ladder: one for every rung but the lowest of each profile.
///
/// Fails unless the rungs are cuts of one fit: the layers of a rung must begin with those of the
/// rung below it.
pub(super) fn layers_of(rungs: &[Rung]) -> Result<Vec<Rung>, PackageError> {
    let pairs = rungs.iter().zip(rungs.iter().skip(1));
    let pairs = pairs.filter(|(low, high)| low.track.profile == high.track.profile);
    pairs.map(|(low, high)| layer_of(low, high)).collect()
}

fn layer_of(low: &Rung, high: &Rung) -> Result<Rung, PackageError> {
    let (first, id) = (low.track.rank(), rung_id(&high.track));
    let nested = high.track.coding.coding == CodingId::Layered
        && high.track.coding.quantiser == low.track.coding.quantiser;
    let begins = low.segments.iter().zip(&high.segments);
    let mut begins = begins.map(|(low, high)| high.cut(first) == *low);
    if !nested || !begins.all(|same| same) {
        let problem = format!("it does not begin with {}'s layers", rung_id(&low.track));
        return Err(PackageError::invalid(id, problem));
    }
    let mut track = high.track.clone();
    track.first_component = first;
    track.coding.components -= first;
    let above = |keyframe: &CodedFrame| CodedFrame {
        position: keyframe.position,
        layers: keyframe.layers.iter().skip(first).cloned().collect(),
    };
    let segments = high.segments.iter().map(|segment| CodedSegment {
        keyframes: segment.keyframes.iter().map(above).collect(),
        ..segment.clone()
    });
    Ok(Rung {
        segments: segments.collect(),
        track,
    })
}

/// A segment of a rung from the same segment of the lowest rung and of the layers above it, each
/// with its track, in order. The result's samples are byte for byte the rung's.
///
/// Fails, naming the layer, if one does not go on where the one before it ends.
///
/// ```
/// use promptus::package::join;
/// assert!(join(&[]).is_err());
/// ```
pub fn join(parts: &[(&Track, &CodedSegment)]) -> Result<(Track, CodedSegment), PackageError> {
    let Some(((base, segment), above)) = parts.split_first() else {
        let problem = "expected at least one to join";
        return Err(PackageError::invalid("layers", problem));
    };
    let (mut track, mut segment) = ((*base).clone(), (*segment).clone());
    if track.first_component != 0 {
        let problem = "a rung begins with component 0";
        return Err(PackageError::invalid(rung_id(base), problem));
    }
    for (layer, more) in above {
        let wrong = |problem: String| Err(PackageError::invalid(rung_id(layer), problem));
        if layer.first_component != track.rank() {
            return wrong(format!("it does not go on at component {}", track.rank()));
        }
        if let Some(what) = track_difference(&track, layer) {
            return wrong(format!("its {what} differs from the rung's below"));
        }
        let same = (more.frames, more.positions()) == (segment.frames, segment.positions());
        if !same || more.start_latent != segment.start_latent {
            return wrong("its segment differs in length or keyframes".into());
        }
        track.coding.components += layer.coding.components;
        for (keyframe, more) in segment.keyframes.iter_mut().zip(&more.keyframes) {
            keyframe.layers.extend_from_slice(&more.layers);
        }
    }
    Ok((track, segment))
}
