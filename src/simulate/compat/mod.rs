//! Other simulators reproduced to the request, faults included, so that results can be compared.
//!
//! | module | what it reproduces |
//! |---|---|
//! | [`sabre`] | Sabre (UMass-LIDS/sabre at 09b03bb): every option of its command line |
//! | [`pensieve`] | Pensieve's test environment (hongzimao/pensieve at 1120bb1) with its `bb` and `robust-mpc` |
//!
//! Written anew from what those programs do; none of their code is here. The player core takes no
//! part: it does these things rightly, and here they must be done as the peers do them.

pub mod pensieve;
pub mod sabre;

use std::fmt;

/// Why a session cannot be reproduced.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CompatError {
    /// An option that the peer does not have, or a value that it could not take.
    #[error("option `{option}`: expected {expected}, found {found}")]
    Option {
        /// The option as written.
        option: String,
        /// What it takes.
        expected: &'static str,
        /// What it was given.
        found: String,
    },
    /// The trace carries too little for the movie: the peer would loop for ever.
    #[error("{trace}: the trace carries nothing, segment {segment} never arrives")]
    Starved {
        /// The trace.
        trace: String,
        /// The first segment that does not arrive.
        segment: usize,
    },
    /// A request is abandoned and made again without end.
    #[error("segment {segment} is abandoned and asked for again for ever, by the peer too")]
    Endless {
        /// The segment that is never had; before the first when negative.
        segment: i64,
    },
    /// The peer itself ends with an error.
    #[error("{what}: the peer itself ends with an error here")]
    Crash {
        /// What it cannot do.
        what: String,
    },
}

impl CompatError {
    fn option(option: impl Into<String>, expected: &'static str, found: impl fmt::Display) -> Self {
        Self::Option {
            option: option.into(),
            expected,
            found: found.to_string(),
        }
    }
}
