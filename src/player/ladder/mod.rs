//! The ladder of one title: rungs in ascending order, segments in time, the bytes of each pair.
//!
//! All rungs stand on one segment grid, so a segment number means the same span of media on every
//! rung. Built from a manifest's group; independent of URLs and of how bytes are fetched.

mod error;
mod group;
mod listed;
mod samples;
#[cfg(test)]
pub(crate) mod tests;

pub use error::LadderError;
pub(crate) use error::{LARGEST, LONGEST_S, MOST_KBPS};
pub(crate) use group::{elsewhere, matching};
pub use listed::Listed;
pub use samples::SampleEnd;

use super::utility::{Utilities, Utility, UtilityError};
use crate::manifest::QualityReport;
use error::{all_within, check_sizes};
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
    /// A ladder of `rungs`, lowest first; `sizes` in bytes, all rungs of segment 0 first.
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
        all_within("duration of segment", durations_s, LONGEST_S)?;
        let rates = rates_of(&rungs);
        all_within("rate of rung", &rates, MOST_KBPS)?;
        if let Some(pair) = rungs.windows(2).find(|pair| pair[1].kbps < pair[0].kbps) {
            return Err(LadderError::NotAscending(pair[1].id.clone()));
        }
        check_sizes(&rungs, durations_s.len(), &sizes)?;
        let mut edges_s = vec![0.0];
        edges_s.extend(durations_s.iter().scan(0.0, |end_s, duration_s| {
            *end_s += duration_s;
            Some(*end_s)
        }));
        Ok(Self {
            utilities: Utilities::of_rates(&rates, Utility::Log),
            rungs,
            edges_s,
            sizes,
            layered: false,
            samples: Arc::default(),
            listed: Vec::new(),
        })
    }

    /// The title in layers: of every rung above the lowest the bytes beyond the one below, at least one.
    pub fn into_layers(mut self) -> Result<Self, LadderError> {
        let rungs = self.rungs.len();
        for (segment, row) in self.sizes.chunks_exact_mut(rungs).enumerate() {
            for rung in (1..rungs).rev() {
                let added = row[rung].checked_sub(row[rung - 1]);
                let added = added.filter(|&added| added > 0);
                let none = || LadderError::NoBytes(segment, self.rungs[rung].id.clone());
                row[rung] = added.ok_or_else(none)?;
            }
        }
        self.layered = true;
        Ok(self)
    }

    /// The title, repeated or cut to the segments of `length_s` seconds, at least one; utilities are reset.
    pub fn lasting(&self, length_s: f64) -> Self {
        let (mut edges_s, mut sizes) = (vec![0.0], Vec::new());
        let rows = self.sizes.chunks_exact(self.rungs.len()).enumerate();
        for (segment, row) in rows.cycle() {
            let start_s = edges_s[edges_s.len() - 1];
            if !sizes.is_empty() && start_s + ROUNDING_S >= length_s {
                break;
            }
            edges_s.push(start_s + self.duration_s(segment));
            sizes.extend_from_slice(row);
        }
        Self {
            edges_s,
            sizes,
            utilities: Utilities::of_rates(&rates_of(&self.rungs), Utility::Log),
            listed: Vec::new(),
            ..self.clone()
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

    /// Rate of a rung, kbit/s.
    pub fn kbps(&self, rung: usize) -> f64 {
        self.rungs[rung].kbps
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
                Utilities::of_rates(&rates_of(&self.rungs), kind)
            }
            (_, Some(report)) => {
                let named = self.rungs.iter().map(|rung| (rung.id.as_str(), rung.kbps));
                let named: Vec<(&str, f64)> = named.collect();
                Utilities::measured(kind, &named, self.segments(), report)?
            }
            (_, None) => return Err(UtilityError::NoTable(kind)),
        };
        Ok(self)
    }

    /// The kind of utility.
    pub fn utility_kind(&self) -> Utility {
        self.utilities.kind
    }

    /// The utility of `segment` on `rung`; both must exist. See [`Utility`].
    pub fn utility(&self, segment: usize, rung: usize) -> f64 {
        self.utilities.of(segment, rung)
    }

    /// The mean of [`Ladder::utility`] over all segments: 0 for the lowest rung.
    pub fn mean_utility(&self, rung: usize) -> f64 {
        self.utilities.means[rung]
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

fn rates_of(rungs: &[Rung]) -> Vec<f64> {
    rungs.iter().map(|rung| rung.kbps).collect()
}

/// The known bytes of every segment and rung, or the rung's rate × duration.
fn sizes_of(
    durations_s: &[f64],
    rates_kbps: &[f64],
    known: impl Fn(usize, usize) -> Option<u64>,
) -> Vec<u64> {
    let mut sizes = Vec::with_capacity(durations_s.len() * rates_kbps.len());
    for (segment, duration_s) in durations_s.iter().enumerate() {
        for (rung, kbps) in rates_kbps.iter().enumerate() {
            let nominal = || ((kbps * 125.0 * duration_s).ceil() as u64).max(1);
            sizes.push(known(segment, rung).unwrap_or_else(nominal));
        }
    }
    sizes
}
