//! Movie files of other simulators: one JSON object with the sizes of every segment.
//!
//! ```text
//! {"segment_duration_ms": 3000, "bitrates_kbps": [230, …], "segment_sizes_bits": [[886360, …], …]}
//! ```
//!
//! Sabre's own format (its `example/`); Pensieve's videos are available converted to it.
//! [`Movie::ladder`] gives the ladder of a movie for the player core.

use crate::network::file::{self, BadJson, Unreadable};
use crate::player::ladder::{LARGEST, LONGEST_S, Ladder, LadderError, MOST_KBPS, Rung};
use serde::Deserialize;
use std::path::Path;

const EXPECTED: &str = "movie JSON {segment_duration_ms, bitrates_kbps, segment_sizes_bits}";

/// A title in the model of other simulators: segments of equal duration, ascending rates.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Movie {
    #[serde(skip)]
    name: String,
    #[serde(rename = "segment_duration_ms")]
    segment_ms: f64,
    #[serde(rename = "bitrates_kbps")]
    rates_kbps: Vec<f64>,
    #[serde(rename = "segment_sizes_bits")]
    sizes_bits: Vec<Vec<f64>>,
}

/// A file that is not a valid movie.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "messages name the fields")]
pub enum MovieError {
    #[error(transparent)]
    Read(#[from] Unreadable),
    #[error(transparent)]
    Json(#[from] BadJson),
    #[error("{file}: {place}: expected {expected}, found {found}")]
    Value {
        file: String,
        place: String,
        expected: &'static str,
        found: String,
    },
    #[error("{file}: {source}")]
    Ladder {
        file: String,
        #[source]
        source: LadderError,
    },
}

impl Movie {
    /// Reads a movie file.
    pub fn load(path: &Path) -> Result<Self, MovieError> {
        let text = file::text(path, "movie")?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Reads a movie from a file's text; `name` is used in messages.
    pub fn parse(name: &str, text: &str) -> Result<Self, MovieError> {
        let movie = Self {
            name: name.to_owned(),
            ..file::json(name, text, EXPECTED)?
        };
        movie.check()?;
        Ok(movie)
    }

    fn check(&self) -> Result<(), MovieError> {
        let wrong = |place: &str, expected: &'static str, found: String| MovieError::Value {
            file: self.name.clone(),
            place: place.to_owned(),
            expected,
            found,
        };
        let within = |value: f64, most: f64| value > 0.0 && value <= most;
        if !within(self.segment_ms, LONGEST_S * 1e3) {
            let found = self.segment_ms.to_string();
            return Err(wrong(
                "segment_duration_ms",
                "more than 0, at most a day",
                found,
            ));
        }
        let rates = &self.rates_kbps;
        if rates.is_empty()
            || !rates.iter().all(|&rate| within(rate, MOST_KBPS))
            || !rates.is_sorted_by(|a, b| a < b)
        {
            let expected = "ascending rates above 0, at most 1e9";
            return Err(wrong("bitrates_kbps", expected, format!("{rates:?}")));
        }
        if self.sizes_bits.is_empty() {
            let place = "segment_sizes_bits";
            return Err(wrong(place, "at least one segment", "none".into()));
        }
        let fit = |&bits: &f64| within(bits, LARGEST as f64 * 8.0);
        let bad = |sizes: &Vec<f64>| sizes.len() != rates.len() || !sizes.iter().all(fit);
        if let Some(segment) = self.sizes_bits.iter().position(bad) {
            let place = format!("segment_sizes_bits, segment {segment}");
            let expected = "a size above 0, at most 4 GiB, for every rate";
            return Err(wrong(
                &place,
                expected,
                format!("{:?}", self.sizes_bits[segment]),
            ));
        }
        Ok(())
    }

    /// Name in messages and reports: the path of a file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long every segment lasts, milliseconds, more than 0.
    pub fn segment_ms(&self) -> f64 {
        self.segment_ms
    }

    /// Nominal rates in kbit/s, ascending; at least one.
    pub fn rates_kbps(&self) -> &[f64] {
        &self.rates_kbps
    }

    /// Number of segments, at least one.
    pub fn segments(&self) -> usize {
        self.sizes_bits.len()
    }

    /// Size of `segment` at `quality` in bits, more than 0; both must exist.
    pub fn size_bits(&self, segment: usize, quality: usize) -> f64 {
        self.sizes_bits[segment][quality]
    }

    /// The movie cut to, or repeated up to, `segments` segments.
    #[must_use]
    pub fn with_segments(mut self, segments: usize) -> Self {
        let repeated = self.sizes_bits.iter().cycle().take(segments.max(1));
        self.sizes_bits = repeated.cloned().collect();
        self
    }

    /// The movie for the player core: rungs named by their rate, sizes in whole bytes, rounded up.
    pub fn ladder(&self) -> Result<Ladder, MovieError> {
        let rungs = (1..).zip(&self.rates_kbps).map(|(rank, &kbps)| Rung {
            id: format!("{kbps}k"),
            rank,
            kbps,
        });
        let durations_s = vec![self.segment_ms / 1000.0; self.segments()];
        let sizes = self.sizes_bits.iter().flatten();
        let bytes = sizes.map(|&bits| (bits / 8.0).ceil() as u64).collect();
        Ladder::new(rungs.collect(), &durations_s, bytes).map_err(|source| MovieError::Ladder {
            file: self.name.clone(),
            source,
        })
    }
}
