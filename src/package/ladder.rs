//! Which rungs make a ladder: the rules that let a player switch between any two at any segment.

use super::PackageError;
use super::rung::{Rung, rung_id};
use crate::segment::Track;

/// Fails unless the rungs of every profile differ in rank and nothing else: same picture, clock,
/// prompt shape and generator, same segments with the same starts.
pub(super) fn check_ladder(rungs: &[Rung]) -> Result<(), PackageError> {
    for (index, rung) in rungs.iter().enumerate() {
        check_alone(rung)?;
        let profile = &rung.track.profile;
        let mut earlier = rungs[..index].iter();
        if let Some(peer) = earlier.rfind(|peer| peer.track.profile == *profile) {
            check_peers(peer, rung)?;
        }
    }
    Ok(())
}

fn check_alone(rung: &Rung) -> Result<(), PackageError> {
    let problem = match rung.segments.first() {
        _ if rung.track.first_component != 0 => "a rung begins with component 0",
        None => "there are no segments",
        Some(first) if first.chained => "the first segment continues nothing",
        Some(_) => return Ok(()),
    };
    Err(PackageError::invalid(rung_id(&rung.track), problem))
}

fn check_peers(low: &Rung, high: &Rung) -> Result<(), PackageError> {
    let differs = |what: &str| {
        let problem = format!("{what} from {}'s", rung_id(&low.track));
        Err(PackageError::invalid(rung_id(&high.track), problem))
    };
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
    let mut checks = checks.into_iter();
    checks.find_map(|(same, what)| (!same).then_some(what))
}
