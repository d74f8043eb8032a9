//! Errors of trace files, each with the file and the place in it.

use crate::network::file::{BadJson, Unreadable};

/// Upper bound of rates (kbit/s), durations and latencies (seconds): beyond it sums lose the small terms.
pub(super) const MAX: f64 = 1e9;

/// A file that holds no trace, or a trace with impossible numbers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] Unreadable),
    /// A line that does not fit the format.
    #[error("{file}: line {line}: expected {expected}, found `{found}`")]
    Line {
        /// The file.
        file: String,
        /// Line number, from 1.
        line: usize,
        /// What should stand there.
        expected: String,
        /// What stands there, shortened.
        found: String,
    },
    /// JSON that does not fit the format.
    #[error(transparent)]
    Json(#[from] BadJson),
    /// A rate or duration that no network has.
    #[error("{file}: period {period}: expected at most {MAX:e} {unit}, found {found:e}")]
    Absurd {
        /// The file.
        file: String,
        /// Which period, from 0.
        period: usize,
        /// What the number counts.
        unit: &'static str,
        /// The number.
        found: f64,
    },
    /// The trace covers no time.
    #[error("{file}: expected {expected}, found none")]
    Empty {
        /// The file.
        file: String,
        /// What is missing.
        expected: &'static str,
    },
}
