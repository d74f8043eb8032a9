//! The ladder of one title: rungs in ascending order, segments in time, the bytes of each pair.
//!
//! All rungs stand on one segment grid, so a segment number means the same span of media on every
//! rung. Built from a manifest's group; knows nothing of URLs or how bytes are fetched.

mod listed;
mod samples;

pub use listed::Listed;
pub use samples::SampleEnd;

use super::utility::{Utilities, Utility, UtilityError};
use crate::manifest::{Group, QualityReport, Representation, SegmentRef};
use std::sync::Arc;

/// Sums of durations are taken as equal within this, seconds.
const ROUNDING_S: f64 = 1e-6;

/// One rung: a complete, independent rendition of the title.
#[derive(Debug, Clone, PartialEq)]
pub struct Rung {
    /// The Representation's name in the manifest, such as `mini-r8`.
    pub id: String,
    /// Components of the prompt that it carries, at least 1.
    pub rank: u32,
    /// Mean rate of its media segments in kbit/s.
    pub kbps: f64,
}

/// Why rungs and segments do not make a ladder.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LadderError {
    /// There is nothing to choose from.
    #[error("the title has no {what}: expected at least one")]
    Empty {
        /// `rung` or `segment`.
        what: &'static str,
    },
    /// A duration or rate that is not a positive number.
    #[error("{what} {index}: expected a positive number, found {value}")]
    NotPositive {
        /// `duration of segment` or `rate of rung`.
        what: &'static str,
        /// Which segment or rung, counted from 0.
        index: usize,
        /// What was there.
        value: f64,
    },
    /// A duration, rate or size beyond belief.
    #[error("{what} {index}: expected at most {most:e}, found {value:e}")]
    TooLarge {
        /// `duration of segment`, `rate of rung` or `size in segment`.
        what: &'static str,
        /// Which segment or rung, counted from 0.
        index: usize,
        /// The limit.
        most: f64,
        /// What was there.
        value: f64,
    },
    /// A segment without bytes.
    #[error("segment {segment} of rung `{rung}` has no bytes")]
    NoBytes {
        /// Segment number, counted from 0.
        segment: usize,
        /// The rung's name.
        rung: String,
    },
    /// The number of sizes is not segments × rungs.
    #[error("expected {expected} segment sizes, found {found}")]
    SizeCount {
        /// Segments × rungs.
        expected: usize,
        /// Sizes given.
        found: usize,
    },
    /// A rung that costs less than the one below it.
    #[error("rung `{rung}` has a lower rate than the rung below it: expected ascending rates")]
    NotAscending {
        /// The offending rung's name.
        rung: String,
    },
    /// Rungs that cut the title in different places.
    #[error("rung `{rung}`: segment {segment} lies elsewhere than on rung `{first}`")]
    Grid {
        /// The offending rung's name.
        rung: String,
        /// First segment that differs, counted from 0.
        segment: usize,
        /// The rung that it was compared with.
        first: String,
    },
}

/// No segment lasts longer: a day, in seconds. Beyond this and the next two, time would pass in steps
/// too small to see the end of.
pub(crate) const LONGEST_S: f64 = 86_400.0;
/// No rung has a higher rate, kbit/s.
pub(crate) const MOST_KBPS: f64 = 1e9;
/// No segment is larger: 4 GiB.
pub(crate) const LARGEST: u64 = 1 << 32;

/// Rungs × segments of a title. At least one of each; rates ascend; every size is known or assumed.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    rungs: Vec<Rung>,
    /// Start of every segment, and the end of the last: segments + 1 values, seconds from 0.
    edges_s: Vec<f64>,
    /// Bytes, segment by segment, rung by rung within a segment.
    sizes: Vec<u64>,
    utilities: Utilities,
    /// Whether sizes are those of layers, each on top of those below it.
    layered: bool,
    /// Where samples end, in the order of sizes; empty when unknown.
    samples: Arc<[Vec<SampleEnd>]>,
    /// How far the index of every rung is here; empty when all of it is.
    listed: Vec<Listed>,
}

impl Ladder {
    /// A ladder of `rungs`, lowest first, with segments of `durations_s` seconds; `sizes` in bytes,
    /// all rungs of segment 0 first.
    pub fn new(
        rungs: Vec<Rung>,
        durations_s: &[f64],
        sizes: Vec<u64>,
    ) -> Result<Self, LadderError> {
        if rungs.is_empty() {
            return Err(LadderError::Empty { what: "rung" });
        }
        if durations_s.is_empty() {
            return Err(LadderError::Empty { what: "segment" });
        }
        let durations = durations_s.iter().copied();
        all_within("duration of segment", durations, LONGEST_S)?;
        let rates = rungs.iter().map(|rung| rung.kbps);
        all_within("rate of rung", rates, MOST_KBPS)?;
        if let Some(pair) = rungs.windows(2).find(|pair| pair[1].kbps < pair[0].kbps) {
            let rung = pair[1].id.clone();
            return Err(LadderError::NotAscending { rung });
        }
        let expected = rungs.len() * durations_s.len();
        if sizes.len() != expected {
            let found = sizes.len();
            return Err(LadderError::SizeCount { expected, found });
        }
        if let Some(place) = sizes.iter().position(|&size| size == 0) {
            return Err(LadderError::NoBytes {
                segment: place / rungs.len(),
                rung: rungs[place % rungs.len()].id.clone(),
            });
        }
        if let Some(place) = sizes.iter().position(|&size| size > LARGEST) {
            return Err(LadderError::TooLarge {
                what: "size in segment",
                index: place / rungs.len(),
                most: LARGEST as f64,
                value: sizes[place] as f64,
            });
        }
        Ok(Self {
            utilities: Utilities::of_rates(&rungs, false),
            rungs,
            edges_s: edges(durations_s),
            sizes,
            layered: false,
            samples: Arc::default(),
            listed: Vec::new(),
        })
    }

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

    /// The same title in layers: rung 0 as it is, and for every rung above what it adds to the one
    /// below. Fails where a segment of a rung is not longer than below.
    pub fn into_layers(mut self) -> Result<Self, LadderError> {
        let rungs = self.rungs.len();
        for (segment, row) in self.sizes.chunks_exact_mut(rungs).enumerate() {
            for rung in (1..rungs).rev() {
                let added = row[rung]
                    .checked_sub(row[rung - 1])
                    .filter(|&added| added > 0);
                row[rung] = added.ok_or_else(|| LadderError::NoBytes {
                    segment,
                    rung: self.rungs[rung].id.clone(),
                })?;
            }
        }
        self.layered = true;
        Ok(self)
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

    /// The title, all of it known, over and over, or its beginning: as many segments as `length_s` seconds take, at
    /// least one. Rungs keep their rates; utilities follow from those again.
    pub fn lasting(&self, length_s: f64) -> Self {
        let order = (0..self.segments()).cycle();
        let mut edges_s = vec![0.0];
        let mut sizes = Vec::new();
        for segment in order {
            let start_s = edges_s[edges_s.len() - 1];
            if !sizes.is_empty() && start_s + ROUNDING_S >= length_s {
                break;
            }
            edges_s.push(start_s + self.duration_s(segment));
            let rungs = self.rungs.len();
            sizes.extend_from_slice(&self.sizes[segment * rungs..(segment + 1) * rungs]);
        }
        Self {
            rungs: self.rungs.clone(),
            edges_s,
            sizes,
            utilities: Utilities::of_rates(&self.rungs, false),
            layered: self.layered,
            samples: self.samples.clone(),
            listed: Vec::new(),
        }
    }

    /// Whether a rung is one more layer on top of the rung below, instead of a rendition of its own.
    pub fn is_layered(&self) -> bool {
        self.layered
    }

    /// The rungs, lowest rate first; never empty.
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// Number of segments, at least 1.
    pub fn segments(&self) -> usize {
        self.edges_s.len() - 1
    }

    /// Index of the highest rung.
    pub fn top(&self) -> usize {
        self.rungs.len() - 1
    }

    /// Start of `segment` in seconds; one past the last gives the end of the title.
    pub fn start_s(&self, segment: usize) -> f64 {
        self.edges_s[segment.min(self.segments())]
    }

    /// How long `segment` lasts in seconds, 0 past the end.
    pub fn duration_s(&self, segment: usize) -> f64 {
        self.start_s(segment + 1) - self.start_s(segment)
    }

    /// Length of the title in seconds.
    pub fn total_s(&self) -> f64 {
        self.start_s(self.segments())
    }

    /// Mean segment duration in seconds.
    pub fn mean_duration_s(&self) -> f64 {
        self.total_s() / self.segments() as f64
    }

    /// Bytes of `segment` on `rung`, or of that layer alone; both must exist.
    pub fn size(&self, segment: usize, rung: usize) -> u64 {
        self.sizes[segment * self.rungs.len() + rung]
    }

    /// Rate of `segment` on `rung`, kbit/s; both must exist.
    pub fn segment_kbps(&self, segment: usize, rung: usize) -> f64 {
        super::kbps(self.size(segment, rung) as f64, self.duration_s(segment))
    }

    /// This ladder with utilities of the given kind, from `report` where they are measured.
    pub fn with_utility(
        mut self,
        kind: Utility,
        report: Option<&QualityReport>,
    ) -> Result<Self, UtilityError> {
        self.utilities = match (kind, report) {
            (Utility::Log | Utility::Linear, _) => {
                Utilities::of_rates(&self.rungs, kind == Utility::Linear)
            }
            (_, Some(report)) => Utilities::measured(kind, &self.rungs, self.segments(), report)?,
            (_, None) => {
                let utility = kind.name();
                return Err(UtilityError::NoTable { utility });
            }
        };
        Ok(self)
    }

    /// What utilities stand for.
    pub fn utility_kind(&self) -> Utility {
        self.utilities.kind()
    }

    /// What `segment` on `rung` is worth; both must exist. See [`Utility`].
    pub fn utility(&self, segment: usize, rung: usize) -> f64 {
        self.utilities.of(segment, rung)
    }

    /// The mean of [`Ladder::utility`] over all segments: 0 for the lowest rung.
    pub fn mean_utility(&self, rung: usize) -> f64 {
        self.utilities.mean(rung)
    }

    /// The segment that covers `time_s`, clamped to the first and last.
    pub fn segment_at(&self, time_s: f64) -> usize {
        let after = self.edges_s.partition_point(|&edge| edge <= time_s);
        after.saturating_sub(1).min(self.segments() - 1)
    }

    /// The highest rung whose rate is at most `kbps`, or the lowest rung.
    pub fn rung_within(&self, kbps: f64) -> usize {
        let above = self.rungs.partition_point(|rung| rung.kbps <= kbps);
        above.saturating_sub(1)
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

fn all_within(
    what: &'static str,
    values: impl Iterator<Item = f64>,
    most: f64,
) -> Result<(), LadderError> {
    for (index, value) in values.enumerate() {
        if !(value.is_finite() && value > 0.0) {
            return Err(LadderError::NotPositive { what, index, value });
        }
        if value > most {
            return Err(LadderError::TooLarge {
                what,
                index,
                most,
                value,
            });
        }
    }
    Ok(())
}

fn edges(durations_s: &[f64]) -> Vec<f64> {
    let mut edges = Vec::with_capacity(durations_s.len() + 1);
    let mut end = 0.0;
    edges.push(end);
    for duration in durations_s {
        end += duration;
        edges.push(end);
    }
    edges
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;

    /// `rates` in kbit/s, `segments` of `seconds` each, sizes exactly at the nominal rate.
    pub(crate) fn constant_rate(rates: &[f64], segments: usize, seconds: f64) -> Ladder {
        let rungs = rates.iter().enumerate().map(|(index, &kbps)| Rung {
            id: format!("r{index}"),
            rank: index as u32 + 1,
            kbps,
        });
        let row: Vec<u64> = rates.iter().map(|r| (r * 125.0 * seconds) as u64).collect();
        Ladder::new(
            rungs.collect(),
            &vec![seconds; segments],
            row.repeat(segments),
        )
        .unwrap()
    }

    fn group(ranges: bool) -> Group {
        use crate::manifest::ByteRange;
        use crate::time::FrameRate;
        let rate = FrameRate::new(24, 1).unwrap();
        let representation = |rank: u32| Representation {
            id: format!("mini-r{rank}"),
            rank,
            bandwidth: 90_000,
            average_bandwidth: u64::from(rank) * 4000,
            codecs: "prm1.mini.1".into(),
            score: f64::from(rank),
            url: "a.mp4".into(),
            init: None,
            index: None,
            segments: (0..3)
                .map(|k| SegmentRef {
                    start: rate.time_of(k * 48),
                    duration: rate.time_of(48),
                    url: "a.mp4".into(),
                    range: ranges.then_some(ByteRange {
                        start: 700 + k * 5000,
                        length: 500 * u64::from(rank) + k,
                    }),
                    key_frame_end: None,
                    sap: true,
                })
                .collect(),
        };
        Group {
            profile: "mini".into(),
            frame_rate: rate,
            width: 256,
            height: 256,
            pixel_aspect: (1, 1),
            weights: "0".repeat(64),
            weights_url: None,
            independent_segments: true,
            representations: vec![representation(4), representation(8)],
            layers: Vec::new(),
        }
    }

    #[test]
    fn a_group_with_byte_ranges_is_measured() {
        let ladder = Ladder::from_group(&group(true)).unwrap();
        assert_eq!((ladder.segments(), ladder.rungs().len()), (3, 2));
        assert_eq!(ladder.size(2, 1), 4002);
        assert_eq!(ladder.rungs()[1].kbps, 12_003.0 / 125.0 / 6.0);
        assert_eq!(ladder.rungs()[1].id, "mini-r8");
    }

    #[test]
    fn a_group_of_segment_urls_goes_by_its_average_rate() {
        let ladder = Ladder::from_group(&group(false)).unwrap();
        assert_eq!(ladder.rungs()[0].kbps, 16.0);
        assert_eq!(ladder.size(1, 1), 32 * 125 * 2);
    }

    #[test]
    fn layers_stand_on_the_lowest_rung() {
        use crate::manifest::Layer;
        let mut group = group(true);
        assert!(Ladder::from_layers(&group).is_none());
        // 2000 bytes a segment below, and 500·8 + k on top.
        let stream = group.representations.remove(1);
        group.layers.push(Layer {
            first_component: 4,
            stream,
        });
        let ladder = Ladder::from_layers(&group).unwrap().unwrap();
        assert!(ladder.is_layered());
        assert_eq!((ladder.size(2, 0), ladder.size(2, 1)), (2002, 4002));
        assert!((ladder.rungs()[1].kbps - (6003.0 + 12_003.0) / 125.0 / 6.0).abs() < 1e-9);
        assert_eq!(ladder.rungs()[1].rank, 8);
    }

    #[test]
    fn rungs_must_share_their_grid() {
        let mut short = group(true);
        short.representations[1].segments.pop();
        let error = Ladder::from_group(&short).unwrap_err();
        assert!(
            matches!(error, LadderError::Grid { segment: 2, .. }),
            "{error}"
        );
        short.representations.clear();
        assert_eq!(
            Ladder::from_group(&short),
            Err(LadderError::Empty { what: "rung" })
        );
    }

    #[test]
    fn answers_where_and_how_much() {
        let ladder = constant_rate(&[16.0, 32.0], 3, 2.0);
        assert_eq!((ladder.segments(), ladder.top()), (3, 1));
        assert_eq!(ladder.size(2, 1), 8000);
        assert_eq!(ladder.start_s(1), 2.0);
        assert_eq!(ladder.total_s(), 6.0);
        let at: Vec<usize> = [-1.0, 0.0, 1.999, 2.0, 5.9, 6.0, 99.0]
            .map(|t| ladder.segment_at(t))
            .to_vec();
        assert_eq!(at, [0, 0, 0, 1, 2, 2, 2]);
        assert_eq!(ladder.rung_within(31.9), 0);
        assert_eq!(ladder.rung_within(32.0), 1);
        assert_eq!(ladder.rung_within(1.0), 0);
    }

    #[test]
    fn lasts_as_long_as_it_is_told() {
        let rung = Rung {
            id: "a".into(),
            rank: 1,
            kbps: 8.0,
        };
        let ladder = Ladder::new(vec![rung], &[2.0, 2.0, 0.7], vec![1, 2, 3]).unwrap();
        let sizes = |length_s| {
            let lasting = ladder.lasting(length_s);
            let sizes = (0..lasting.segments()).map(|segment| lasting.size(segment, 0));
            (lasting.total_s(), sizes.collect::<Vec<_>>())
        };
        assert_eq!(sizes(0.0), (2.0, vec![1]));
        assert_eq!(sizes(3.0), (4.0, vec![1, 2]));
        assert_eq!(sizes(4.7).1, [1, 2, 3]);
        assert_eq!(sizes(9.4).1, [1, 2, 3, 1, 2, 3]);
        assert_eq!(sizes(9.5).1, [1, 2, 3, 1, 2, 3, 1]);
        assert!((sizes(10.0).0 - 11.4).abs() < 1e-9);
    }

    #[test]
    fn refuses_what_is_no_ladder() {
        let rung = |kbps| Rung {
            id: "a".into(),
            rank: 1,
            kbps,
        };
        let build = |rungs: &[Rung], durations: &[f64], sizes: &[u64]| {
            Ladder::new(rungs.to_vec(), durations, sizes.to_vec())
                .unwrap_err()
                .to_string()
        };
        assert!(build(&[], &[1.0], &[]).contains("no rung"));
        assert!(build(&[rung(1.0)], &[], &[]).contains("no segment"));
        assert!(build(&[rung(f64::NAN)], &[1.0], &[1]).contains("rate of rung 0"));
        assert!(build(&[rung(1.0)], &[1.0, 0.0], &[1, 1]).contains("segment 1"));
        assert!(build(&[rung(2.0), rung(1.0)], &[1.0], &[1, 1]).contains("ascending"));
        assert!(build(&[rung(1.0)], &[1.0], &[1, 1]).contains("expected 1 segment sizes"));
        assert!(build(&[rung(1.0)], &[1.0], &[0]).contains("no bytes"));
        let most = "expected at most";
        assert!(build(&[rung(1e10)], &[1.0], &[1]).contains(most));
        assert!(build(&[rung(1.0)], &[1.0, 1e9], &[1, 1]).contains("segment 1: expected at most"));
        assert!(build(&[rung(1.0)], &[1.0], &[1 << 33]).contains(most));
    }
}
