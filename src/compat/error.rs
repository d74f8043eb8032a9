//! Errors of re-enacted sessions.

use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};
use std::fmt;

/// A session that cannot be re-enacted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "messages name the fields")]
pub enum CompatError {
    #[error("option `{option}`: expected {expected}, found {found}")]
    Option {
        option: String,
        expected: &'static str,
        found: String,
    },
    #[error("{trace}: the trace carries too little: segment {segment} never arrives")]
    Starved { trace: String, segment: usize },
    #[error("segment {segment} is abandoned and requested again forever, in the original, too")]
    Endless {
        /// The segment that never completes; negative before the movie's start.
        segment: i64,
    },
    #[error("{what}: the original ends with an error here, too")]
    Crash { what: String },
}

impl CompatError {
    pub(super) fn option(option: &str, expected: &'static str, found: impl fmt::Display) -> Self {
        Self::Option {
            option: option.to_owned(),
            expected,
            found: found.to_string(),
        }
    }
}

/// The unit variant of `T` with this serde name.
pub(super) fn named<'a, T: Deserialize<'a>>(name: &'a str) -> Option<T> {
    T::deserialize(StrDeserializer::<Error>::new(name)).ok()
}
