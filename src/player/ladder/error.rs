//! Why rungs and segments do not make a ladder.

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
