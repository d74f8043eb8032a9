//! Errors of re-enacted sessions.

use std::fmt;

/// A session that cannot be re-enacted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CompatError {
    /// An unknown option, or an invalid value.
    #[error("option `{option}`: expected {expected}, found {found}")]
    Option {
        /// The option as written.
        option: String,
        /// The accepted values.
        expected: &'static str,
        /// The value found.
        found: String,
    },
    /// The trace carries too little for the movie: the original would not terminate.
    #[error("{trace}: the trace carries too little: segment {segment} never arrives")]
    Starved {
        /// The trace.
        trace: String,
        /// The first segment that does not arrive.
        segment: usize,
    },
    /// A request is abandoned and repeated forever, in the original, too.
    #[error("segment {segment} is abandoned and requested again forever, in the original, too")]
    Endless {
        /// The segment that never completes; negative before the movie's start.
        segment: i64,
    },
    /// The original ends with an error.
    #[error("{what}: the original ends with an error here, too")]
    Crash {
        /// The cause.
        what: String,
    },
}

impl CompatError {
    pub(super) fn option(
        option: impl Into<String>,
        expected: &'static str,
        found: impl fmt::Display,
    ) -> Self {
        Self::Option {
            option: option.into(),
            expected,
            found: found.to_string(),
        }
    }
}
