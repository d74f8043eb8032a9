//! Ladders from a manifest's group: of its rungs, or of its lowest rung and the layers above.

use super::{Ladder, LadderError, Rung};
use crate::manifest::{Group, Representation, SegmentRef};

impl Ladder {
    /// The ladder of a manifest's group, whose rungs keep their order. Rates are measured over the
    /// media segments where byte ranges tell their sizes. Where they do not (segment-URL form), the
    /// manifest's average rate stands in, and a segment counts as rate × duration.
    pub fn from_group(group: &Group) -> Result<Self, LadderError> {
        let first = group
            .representations
            .first()
            .ok_or(LadderError::Empty { what: "rung" })?;
        let spans = &first.segments;
        for other in &group.representations {
            same_grid(first, other)?;
        }
        let durations_s: Vec<f64> = spans.iter().map(|s| s.duration.seconds()).collect();
        let total_s: f64 = durations_s.iter().sum();
        let rung = |representation: &Representation| Rung {
            id: representation.id.clone(),
            rank: representation.rank,
            kbps: rate_kbps(representation, total_s),
        };
        let rungs: Vec<Rung> = group.representations.iter().map(rung).collect();
        let mut sizes = Vec::with_capacity(spans.len() * rungs.len());
        for (segment, duration) in durations_s.iter().enumerate() {
            for (representation, rung) in group.representations.iter().zip(&rungs) {
                let nominal = (rung.kbps * 125.0 * duration).ceil() as u64;
                let known = representation.segments[segment].range;
                sizes.push(known.map_or(nominal.max(1), |range| range.length));
            }
        }
        Self::new(rungs, &durations_s, sizes)
    }

    /// The ladder of a manifest's group in layers: its lowest rung, and on top of it what it names as
    /// layers, each called by the rung that it makes. `None` for a group without layers.
    pub fn from_layers(group: &Group) -> Option<Result<Self, LadderError>> {
        let base = group.representations.first()?;
        let layers = group.layers.iter().map(|layer| {
            let mut rungs = group.representations.iter();
            let made = rungs.find(|rung| rung.rank == layer.stream.rank);
            Representation {
                id: made.unwrap_or(&layer.stream).id.clone(),
                ..layer.stream.clone()
            }
        });
        let mut stack: Vec<Representation> = vec![base.clone()];
        stack.extend(layers);
        let mut whole = Group {
            representations: stack,
            layers: Vec::new(),
            ..group.clone()
        };
        if whole.representations.len() < 2 {
            return None;
        }
        // Layer by layer each gets what lies below it, so that rates and sizes are those of prefixes.
        for index in 1..whole.representations.len() {
            let (below, above) = whole.representations.split_at_mut(index);
            add(&mut above[0], &below[index - 1]);
        }
        Some(Self::from_group(&whole).and_then(Self::into_layers))
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
    let place = |s: &SegmentRef| (s.start, s.duration);
    let (ours, theirs) = (&first.segments, &other.segments);
    let common = ours.len().min(theirs.len());
    let differs = (0..common).find(|&k| place(&ours[k]) != place(&theirs[k]));
    match differs.or((ours.len() != theirs.len()).then_some(common)) {
        None => Ok(()),
        Some(segment) => Err(LadderError::Grid {
            rung: other.id.clone(),
            segment,
            first: first.id.clone(),
        }),
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
