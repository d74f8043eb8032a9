//! Ladders of other codecs as files that `promptus simulate --ladder` plays: `DIR/x265.json` and so
//! on, written as a title's `quality.json` is.
//!
//! Rungs are corners of the codec's hull, so picture size and frame rate rise with the rate as they
//! do in a ladder made for its title. The hull is that of the first metric of [`Metric::ALL`] that was
//! measured: LPIPS where its weights are installed. Of corners that lie closer than a tenth of the rate
//! the better one stands for all: a lowest rung that saves 3 % of the rate and costs much quality is
//! where rules begin and stay. Of many that are left the lowest and the highest stay, and between
//! them those that would be missed most. Rates rise strictly, with
//! init segments (`kbps`) and without (`bytes` of the segments).
//!
//! [`Metric::ALL`]: super::metric::Metric::ALL

use super::compare::Curves;
use super::peers::{Bench, Codec, Peer};
use crate::cli::{CliError, whole_file};
use crate::manifest::{QualityReport, RungQuality};
use crate::quality::hull::Point;
use rayon::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

/// The least factor from one rung's rate to the next.
const STEP: f64 = 1.1;

/// Layout of the files: that of `quality.json`.
const VERSION: u32 = 1;

/// Writes a ladder of at most `rungs` rungs for every codec among `peers`.
pub(super) fn write(
    folder: &Path,
    rungs: usize,
    curves: &[Curves],
    peers: &[Peer],
    bench: &Bench<'_>,
) -> Result<(), CliError> {
    let Some(curves) = curves.first() else {
        return Err(CliError::check("--ladders: nothing was measured"));
    };
    fs::create_dir_all(folder)
        .map_err(|error| CliError::input(format!("{}: {error}", folder.display())))?;
    for (codec, hull) in &curves.codecs {
        let own = peers.iter().filter(|peer| peer.codec == *codec);
        let value = |peer: &Peer| Some((peer.kbps, curves.metric.of(&peer.figures)?));
        let corner = |point: Point| own.clone().find(|peer| value(peer) == Some(point));
        let points = hull.points();
        let chosen = thinned(points, rungs).into_iter();
        let chosen: Vec<&Peer> = chosen.filter_map(|place| corner(points[place])).collect();
        eprintln!("{}: measuring {} rungs", codec.name(), chosen.len());
        let measured = chosen.par_iter().map(|peer| bench.rung(peer));
        let report = QualityReport {
            version: VERSION,
            rungs: rising(measured.collect::<Result<_, _>>()?),
        };
        whole_file::write(&file(folder, *codec), &serde_json::to_vec_pretty(&report)?)?;
    }
    Ok(())
}

/// The file of a codec's ladder.
pub(super) fn file(folder: &Path, codec: Codec) -> PathBuf {
    folder.join(format!("{}.json", codec.name()))
}

/// Places of the corners that stay a step apart, from the highest down.
fn apart(corners: &[Point]) -> Vec<usize> {
    let mut places: Vec<usize> = Vec::new();
    for (place, corner) in corners.iter().enumerate().rev() {
        let far = |&above: &usize| corners[above].0 >= STEP * corner.0;
        if places.last().is_none_or(far) {
            places.push(place);
        }
    }
    places.reverse();
    places
}

/// Places of the `count` of `corners` a step apart that serve best, ends included: one after the other goes whose
/// loss would be felt least. Who has a rate between it and the next then sees the one below instead,
/// so that costs their difference times the step of the rate's logarithm.
fn thinned(corners: &[Point], count: usize) -> Vec<usize> {
    let mut places = apart(corners);
    while places.len() > count.max(2) {
        let loss = |place: usize| {
            let [below, here, above] = [place - 1, place, place + 1].map(|at| corners[places[at]]);
            (below.1 - here.1).abs() * (above.0 / here.0).ln()
        };
        let inner = 1..places.len() - 1;
        match inner.min_by(|a, b| loss(*a).total_cmp(&loss(*b))) {
            Some(least) => places.remove(least),
            None => break,
        };
    }
    places.truncate(count);
    places
}

/// Leaves out what costs no more than the rung below when init segments are not counted.
fn rising(rungs: Vec<RungQuality>) -> Vec<RungQuality> {
    let bytes = |rung: &RungQuality| rung.segments.iter().map(|s| s.bytes).sum::<u64>();
    let mut kept: Vec<RungQuality> = Vec::new();
    for rung in rungs {
        if kept.last().is_none_or(|below| bytes(below) < bytes(&rung)) {
            kept.push(rung);
        }
    }
    for (index, rung) in kept.iter_mut().enumerate() {
        rung.rank = index as u32 + 1;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::thinned;

    #[test]
    fn corners_that_are_hardly_missed_go_first() {
        let corners = [
            (9.0, 0.50),
            (11.4, 0.40),
            (11.8, 0.24),
            (12.4, 0.21),
            (15.9, 0.19),
            (32.8, 0.13),
            (61.6, 0.10),
        ];
        assert_eq!(thinned(&corners, 9), [0, 3, 4, 5, 6]);
        assert_eq!(thinned(&corners, 4), [0, 3, 5, 6]);
        assert_eq!(thinned(&corners, 3), [0, 3, 6]);
        assert_eq!(thinned(&corners, 2), [0, 6]);
        assert_eq!(thinned(&corners, 1), [0]);
        assert_eq!(thinned(&corners[1..], 6), [2, 3, 4, 5]);
        assert_eq!(thinned(&corners[..1], 6), [0]);
        assert!(thinned(&[], 6).is_empty());
    }
}
