//! Ladders from a manifest's group: of its rungs, or of its lowest rung and the layers above.

use super::{Ladder, LadderError, Rung, rates_of, sizes_of};
use crate::manifest::{Group, Representation, SegmentRef};

impl Ladder {
    /// The ladder of a manifest's group. Rates are measured over the media segments where byte ranges give
    /// their sizes, else they are the manifest's average, and a segment counts as rate × duration.
    pub fn from_group(group: &Group) -> Result<Self, LadderError> {
        let first = group.representations.first();
        let first = first.ok_or(LadderError::Empty { what: "rung" })?;
        for other in &group.representations {
            same_grid(first, other)?;
        }
        let durations = first.segments.iter().map(|s| s.duration.seconds());
        let durations_s: Vec<f64> = durations.collect();
        let total_s: f64 = durations_s.iter().sum();
        let rung = |representation: &Representation| Rung {
            id: representation.id.clone(),
            rank: representation.rank,
            kbps: rate_kbps(representation, total_s),
        };
        let rungs: Vec<Rung> = group.representations.iter().map(rung).collect();
        let sizes = sizes_of(&durations_s, &rates_of(&rungs), |segment, rung| {
            let range = group.representations[rung].segments[segment].range;
            range.map(|range| range.length)
        });
        Self::new(rungs, &durations_s, sizes)
    }

    /// The ladder of a group in layers, each named after the rung that it makes; `None` without layers.
    pub fn from_layers(group: &Group) -> Option<Result<Self, LadderError>> {
        let mut stack = vec![group.representations.first()?.clone()];
        for layer in &group.layers {
            let mut rungs = group.representations.iter();
            let made = rungs.find(|rung| rung.rank == layer.stream.rank);
            let mut prefix = Representation {
                id: made.unwrap_or(&layer.stream).id.clone(),
                ..layer.stream.clone()
            };
            // With the bytes below it, so that rates and sizes are those of prefixes.
            add(&mut prefix, &stack[stack.len() - 1]);
            stack.push(prefix);
        }
        let whole = Group {
            representations: stack,
            layers: Vec::new(),
            ..group.clone()
        };
        let layered = || Self::from_group(&whole).and_then(Self::into_layers);
        (!group.layers.is_empty()).then(layered)
    }
}

/// Adds the bytes of `below` to `layer`, segment by segment where they are known.
fn add(layer: &mut Representation, below: &Representation) {
    layer.bandwidth = layer.bandwidth.saturating_add(below.bandwidth);
    layer.average_bandwidth = layer
        .average_bandwidth
        .saturating_add(below.average_bandwidth);
    for (segment, under) in layer.segments.iter_mut().zip(&below.segments) {
        if let (Some(range), Some(under)) = (&mut segment.range, under.range) {
            range.length = range.length.saturating_add(under.length);
        }
    }
}

fn same_grid(first: &Representation, other: &Representation) -> Result<(), LadderError> {
    let (ours, theirs) = (&first.segments, &other.segments);
    match matching(ours, theirs) {
        all if all == ours.len() && all == theirs.len() => Ok(()),
        segment => Err(elsewhere(other, segment, first)),
    }
}

/// Number of leading segments with the same times.
pub(crate) fn matching(ours: &[SegmentRef], theirs: &[SegmentRef]) -> usize {
    let same = |(a, b): &(&SegmentRef, &SegmentRef)| (a.start, a.duration) == (b.start, b.duration);
    ours.iter().zip(theirs).take_while(same).count()
}

pub(crate) fn elsewhere(
    other: &Representation,
    segment: usize,
    first: &Representation,
) -> LadderError {
    LadderError::Grid {
        rung: other.id.clone(),
        segment,
        first: first.id.clone(),
    }
}

fn rate_kbps(representation: &Representation, total_s: f64) -> f64 {
    let ranges = representation.segments.iter().map(|segment| segment.range);
    let known: Option<u64> = ranges.map(|range| range.map(|range| range.length)).sum();
    match (known, representation.average_bandwidth) {
        (Some(bytes), _) => bytes as f64 / 125.0 / total_s,
        (None, 0) => representation.bandwidth as f64 / 1000.0,
        (None, average) => average as f64 / 1000.0,
    }
}
