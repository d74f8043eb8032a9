//! Errors of prompts and their coded form.

use std::ops::RangeInclusive;

/// An error of the prompt domain. Places are keyframe and component (layer) indices; callers add the
/// file or box.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// A size outside the supported range.
    #[error("prompt {what} is {got}, supported are {} to {}", supported.start(), supported.end())]
    OutOfRange {
        /// The quantity.
        what: &'static str,
        /// Its value.
        got: usize,
        /// Supported values.
        supported: RangeInclusive<usize>,
    },
    /// Factors, shapes, positions or steps that cannot be used together.
    #[error("{0}")]
    Unfit(String),
    /// A coding id that this version does not know.
    #[error("unknown prompt coding id {0}, known are 0 (reference) and 1 (layered)")]
    UnknownCoding(u8),
    /// A keyframe that this crate's encoder never writes.
    #[error("{0}")]
    Damaged(String),
}

/// Fails unless `got` is one of the `supported` values.
pub(super) fn in_range(
    what: &'static str,
    got: usize,
    supported: RangeInclusive<usize>,
) -> Result<(), PromptError> {
    if supported.contains(&got) {
        return Ok(());
    }
    Err(PromptError::OutOfRange {
        what,
        got,
        supported,
    })
}
