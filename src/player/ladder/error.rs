//! Rungs and segments that make no ladder, and values beyond which a title is not believed.

use super::Rung;

/// No segment lasts longer: a day, in seconds. Beyond this and the next two, time would pass in steps
/// too small to see the end of.
pub(crate) const LONGEST_S: f64 = 86_400.0;
/// No rung has a higher rate, kbit/s.
pub(crate) const MOST_KBPS: f64 = 1e9;
/// No segment is larger: 4 GiB.
pub(crate) const LARGEST: u64 = 1 << 32;

/// Why rungs and segments do not make a ladder. Segments and rungs count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LadderError {
    /// There is nothing to choose from.
    #[error("the title has no {what}: expected at least one")]
    Empty {
        /// `rung` or `segment`.
        what: &'static str,
    },
    /// A `duration of segment` or `rate of rung` with this number and value, which is not positive.
    #[error("{0} {1}: expected a positive number, found {2}")]
    NotPositive(&'static str, usize, f64),
    /// A `duration of segment`, `rate of rung` or `size in segment` with this number, limit and value.
    #[error("{0} {1}: expected at most {2:e}, found {3:e}")]
    TooLarge(&'static str, usize, f64, f64),
    /// A segment without bytes of a rung.
    #[error("segment {0} of rung `{1}` has no bytes")]
    NoBytes(usize, String),
    /// The number of sizes is not segments × rungs.
    #[error("expected {0} segment sizes, found {1}")]
    SizeCount(usize, usize),
    /// A rung that costs less than the one below it.
    #[error("rung `{0}` has a lower rate than the rung below it: expected ascending rates")]
    NotAscending(String),
    /// Rungs that cut the title in different places.
    #[error("rung `{rung}`: segment {segment} lies elsewhere than on rung `{first}`")]
    Grid {
        /// The offending rung's name.
        rung: String,
        /// First segment that differs.
        segment: usize,
        /// The rung that it was compared with.
        first: String,
    },
}

/// Refuses a value that is not above 0, or above `most`; `what` names it in the error.
pub(super) fn all_within(what: &'static str, values: &[f64], most: f64) -> Result<(), LadderError> {
    match values
        .iter()
        .position(|&value| !(value > 0.0 && value <= most))
    {
        None => Ok(()),
        Some(index) if values[index] > most && values[index].is_finite() => {
            Err(LadderError::TooLarge(what, index, most, values[index]))
        }
        Some(index) => Err(LadderError::NotPositive(what, index, values[index])),
    }
}

pub(super) fn check_sizes(
    rungs: &[Rung],
    segments: usize,
    sizes: &[u64],
) -> Result<(), LadderError> {
    let (expected, found) = (rungs.len() * segments, sizes.len());
    if found != expected {
        return Err(LadderError::SizeCount(expected, found));
    }
    let Some(place) = sizes.iter().position(|&size| size == 0 || size > LARGEST) else {
        return Ok(());
    };
    let (segment, rung) = (place / rungs.len(), place % rungs.len());
    Err(match sizes[place] {
        0 => LadderError::NoBytes(segment, rungs[rung].id.clone()),
        size => LadderError::TooLarge("size in segment", segment, LARGEST as f64, size as f64),
    })
}
