//! Ladders of other codecs as files that `promptus simulate --ladder` plays: `DIR/x265.json` and so
//! on, in the layout of a title's `quality.json`.
//!
//! Rungs are corners of the codec's hull, so picture size and frame rate rise with the rate as in a
//! ladder made for its title. The hull is that of the first figure with a curve that was measured:
//! LPIPS where its weights are installed. Of corners less than a tenth of the rate apart only the
//! best stays: a lowest rung that saves 3 % of the rate and costs much quality is where rules begin
//! and stay. Rates rise strictly, with init segments (`kbps`) and without (`bytes` of the segments).

use super::EvaluateError;
use super::codecs::{Codec, CodecBench, Encoded};
use super::curves::Curves;
use super::progress::{Observer, Progress};
use super::report::Report;
use crate::manifest::{QualityReport, RungQuality};
use crate::quality::hull::{Hull, Point};
use rayon::prelude::*;

/// The least factor from one rung's rate to the next.
const STEP: f64 = 1.1;

/// A ladder of at most `rungs` rungs for every codec of the comparison in `report`, which `bench` made;
/// each rung is measured on all of its frames, whatever the sample.
pub fn ladders(
    rungs: usize,
    report: &Report,
    bench: &CodecBench<'_>,
    observer: Observer<'_>,
) -> Result<Vec<(Codec, QualityReport)>, EvaluateError> {
    let no_metric = "no metric could be computed to choose a ladder by";
    let curves = report.curves().into_iter().next();
    let curves = curves.ok_or_else(|| EvaluateError::Finding(no_metric.to_owned()))?;
    let Curves { figure, codecs, .. } = curves;
    let ladder = |(codec, hull): (Codec, Hull)| {
        let corner = |corner: &Point| {
            let point = |video: &Encoded| Some((video.kbps, (figure.of)(&video.figures)?));
            let mut own = report.points_of(codec);
            own.find(|video| point(video) == Some(*corner))
        };
        let places = thinned(hull.points(), rungs).into_iter();
        let chosen = places.filter_map(|place| corner(&hull.points()[place]));
        let chosen: Vec<&Encoded> = chosen.collect();
        let note = format!("{codec}: measuring {} rungs", chosen.len());
        observer(Progress::Note(note));
        let measured = chosen.par_iter().map(|video| bench.rung(video));
        let rungs = rising(measured.collect::<Result<_, _>>()?);
        Ok((codec, QualityReport { version: 1, rungs }))
    };
    codecs.into_iter().map(ladder).collect()
}

/// Indexes of corners at least [`STEP`] apart, chosen from the highest down.
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

/// Indexes of `count` of the corners, ends included. Greedy thinning: drops the rung whose removal
/// costs least, with viewers' log-rates assumed uniform: Δquality × Δlog(rate).
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

/// Drops rungs whose media has no more bytes than that of the rung below.
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
    fn corners_of_least_cost_are_dropped_first() {
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
