//! Which rungs make a ladder: the rules that let a player switch between any two at any segment.

use super::PackageError;
use super::rung::{Rung, rung_id};
use crate::segment::Track;

/// Fails unless the rungs of every profile differ in rank and nothing else: same picture, clock,
/// prompt shape and generator, same segments with the same starts.
pub(super) fn check_ladder(rungs: &[Rung]) -> Result<(), PackageError> {
    for (index, rung) in rungs.iter().enumerate() {
        check_alone(rung)?;
        let earlier = &rungs[..index];
        if let Some(peer) = earlier
            .iter()
            .rfind(|peer| peer.track.profile == rung.track.profile)
        {
            check_peers(peer, rung)?;
        }
    }
    Ok(())
}

fn check_alone(rung: &Rung) -> Result<(), PackageError> {
    let id = rung_id(&rung.track);
    if rung.track.first_component != 0 {
        return Err(PackageError::mixed(&id, "a rung begins with component 0"));
    }
    if rung.segments.is_empty() {
        return Err(PackageError::mixed(&id, "there are no segments"));
    }
    if rung.segments.first().is_some_and(|first| first.chained) {
        return Err(PackageError::mixed(
            &id,
            "the first segment continues nothing",
        ));
    }
    Ok(())
}

fn check_peers(low: &Rung, high: &Rung) -> Result<(), PackageError> {
    let (id, peer) = (rung_id(&high.track), rung_id(&low.track));
    let differs = |what: &str| Err(PackageError::mixed(&id, format!("{what} from {peer}'s")));
    if high.track.rank() <= low.track.rank() {
        return differs("its rank must be higher, to tell it");
    }
    if let Some(what) = track_difference(&low.track, &high.track) {
        return differs(&format!("its {what} differs"));
    }
    if low.segments.len() != high.segments.len() {
        return differs("its number of segments differs");
    }
    for (number, (a, b)) in (1..).zip(low.segments.iter().zip(&high.segments)) {
        if a.frames != b.frames || a.chained != b.chained {
            return differs(&format!("segment {number} differs in length"));
        }
        if a.start_latent != b.start_latent {
            return differs(&format!("segment {number} differs in its start latent"));
        }
    }
    Ok(())
}

/// The first thing, besides rank and quantiser, in which two rungs of a ladder may not differ.
pub(super) fn track_difference(a: &Track, b: &Track) -> Option<&'static str> {
    let checks = [
        (a.weights == b.weights, "generator's weights hash"),
        (a.coding.shape == b.coding.shape, "prompt shape"),
        (a.coding.grid_width == b.coding.grid_width, "token grid"),
        (a.coding.full_rank == b.coding.full_rank, "full rank"),
        (a.interpolation == b.interpolation, "interpolation mode"),
        (a.start_latent == b.start_latent, "start latent mode"),
        (a.noise_seed == b.noise_seed, "noise seed"),
        (a.noise_weight == b.noise_weight, "noise weight"),
        (a.frame_rate == b.frame_rate, "frame rate"),
        (a.visible == b.visible, "picture size"),
        (a.coded == b.coded, "coded size"),
        (a.pixel_aspect == b.pixel_aspect, "pixel aspect"),
    ];
    checks
        .into_iter()
        .find(|(same, _)| !same)
        .map(|(_, what)| what)
}
