//! A recorded network: periods of constant throughput and latency; errors with the file and the place in it.

use crate::network::file::{BadJson, Unreadable};

/// Upper bound of rates (kbit/s), durations and latencies (seconds): beyond it sums lose the small terms.
const MAX: f64 = 1e9;
/// Minimum length of a trace, seconds: it loops.
const MIN_DURATION_S: f64 = 1e-3;

/// A span of constant throughput and latency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Period {
    /// How long it lasts, seconds, more than 0.
    pub duration_s: f64,
    /// Throughput, kbit/s, 0 or more.
    pub kbps: f64,
    /// Delay from a request to its first byte, seconds, 0 or more.
    pub latency_s: f64,
}

/// A recorded network: periods in order, which loop. At least one, each longer than 0 s.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    name: String,
    periods: Vec<Period>,
    pub(super) first_s: f64,
    pub(super) notes: Vec<String>,
}

impl Trace {
    /// A trace from its periods; empty ones are dropped.
    ///
    /// # Errors
    /// [`TraceError::Absurd`] for a negative number, NaN or more than 1e9; [`TraceError::Empty`] if
    /// the periods last less than a millisecond in all.
    pub fn new(name: impl Into<String>, mut periods: Vec<Period>) -> Result<Self, TraceError> {
        let file = name.into();
        for (period, values) in periods.iter().enumerate() {
            let rate = (values.kbps, "kbit/s");
            let latency = (values.latency_s, "s of latency");
            let mut numbers = [(values.duration_s, "s"), rate, latency].into_iter();
            // NaN is outside the range, too.
            if let Some((found, unit)) = numbers.find(|(n, _)| !(0.0..=MAX).contains(n)) {
                return Err(TraceError::Absurd(file, period, unit, found));
            }
        }
        periods.retain(|period| period.duration_s > 0.0);
        if periods.iter().map(|period| period.duration_s).sum::<f64>() < MIN_DURATION_S {
            let expected = "periods that last a millisecond or more in all";
            return Err(TraceError::Empty(file, expected));
        }
        Ok(Self {
            name: file,
            periods,
            first_s: 0.0,
            notes: Vec::new(),
        })
    }

    /// Name in messages and reports: the path of a file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's first time stamp where the format has one (Pensieve text), seconds, else 0.
    pub fn first_s(&self) -> f64 {
        self.first_s
    }

    /// Skipped content and assumptions made while reading; usually empty.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The periods in order.
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// How long the trace lasts before it loops, seconds.
    pub fn duration_s(&self) -> f64 {
        self.periods.iter().map(|period| period.duration_s).sum()
    }

    /// Mean rate over time, kbit/s.
    pub fn mean_kbps(&self) -> f64 {
        let periods = self.periods.iter();
        let kbits = periods.map(|period| period.kbps * period.duration_s);
        kbits.sum::<f64>() / self.duration_s()
    }
}

/// A file that holds no trace, or a trace with impossible numbers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] Unreadable),
    /// A line that does not fit the format: file, line from 1, expectation, and the text, shortened.
    #[error("{0}: line {1}: expected {2}, found `{3}`")]
    Line(String, usize, String, String),
    /// JSON that does not fit the format.
    #[error(transparent)]
    Json(#[from] BadJson),
    /// A rate or duration that no network has: file, number of the period, unit, and the value.
    #[error("{0}: period {1}: expected at most {MAX:e} {2}, found {3:e}")]
    Absurd(String, usize, &'static str, f64),
    /// The trace in this file covers no time.
    #[error("{0}: expected {1}, found none")]
    Empty(String, &'static str),
}
