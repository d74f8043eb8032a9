//! Errors of prompts and their coded form, and the checks that return them.

use super::shape::Shape;

/// An error of the prompt domain. Places are keyframe and component (layer) indices; callers add the
/// file or box.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// A size outside the supported range.
    #[error("prompt {what} is {got}, supported are {min} to {max}")]
    OutOfRange {
        /// The quantity.
        what: &'static str,
        /// Its value.
        got: usize,
        /// Smallest supported value.
        min: usize,
        /// Largest supported value.
        max: usize,
    },
    /// A factor's length does not fit the shape.
    #[error("factor {factor} has {got} values, expected {expected}")]
    FactorLength {
        /// `"U"` or `"V"`.
        factor: &'static str,
        /// Values that the shape and rank call for.
        expected: usize,
        /// Values given.
        got: usize,
    },
    /// NaN or infinity.
    #[error("factor {factor} has a value that is not finite at index {index}")]
    NotFinite {
        /// `"U"` or `"V"`.
        factor: &'static str,
        /// Index into the factor's row-major values.
        index: usize,
    },
    /// Two prompts of different shape or full rank.
    #[error(
        "prompts do not match: {left_shape:?} of full rank {left_rank} and {right_shape:?} of full rank {right_rank}"
    )]
    Mismatch {
        /// Shape of the first.
        left_shape: Shape,
        /// Full rank of the first.
        left_rank: usize,
        /// Shape of the second.
        right_shape: Shape,
        /// Full rank of the second.
        right_rank: usize,
    },
    /// An interpolation position outside 0..=1.
    #[error("interpolation position {0} is outside 0 to 1")]
    Position(f32),
    /// A step that is zero, negative, not finite, or outside the range that can be coded.
    #[error("quantiser step {step} of component {component} cannot be coded")]
    Step {
        /// Component.
        component: usize,
        /// The step.
        step: f32,
    },
    /// A coding id that this version does not know.
    #[error("unknown prompt coding id {0}, known are 0 (reference) and 1 (layered)")]
    UnknownCoding(u8),
    /// A grid width that does not divide the number of tokens.
    #[error("a token grid {width} wide does not fit {tokens} tokens")]
    Grid {
        /// Columns claimed.
        width: usize,
        /// Tokens of the shape.
        tokens: usize,
    },
    /// A wrong number of layers in a keyframe.
    #[error("keyframe {keyframe} of the segment has {got} layers, expected {expected}")]
    LayerCount {
        /// Index of the keyframe in its segment.
        keyframe: usize,
        /// Expected number.
        expected: String,
        /// Layers given.
        got: usize,
    },
    /// A reference payload of the wrong length.
    #[error("reference payload of keyframe {keyframe} is {got} bytes, expected {expected}")]
    PayloadLength {
        /// Index of the keyframe in its segment.
        keyframe: usize,
        /// Bytes that shape and rank call for.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
    /// Bytes that this crate's encoder never writes.
    #[error("layer {layer} of keyframe {keyframe} is damaged: {reason}")]
    Damaged {
        /// Index of the keyframe in its segment.
        keyframe: usize,
        /// Component index in the file.
        layer: usize,
        /// Reason.
        reason: &'static str,
    },
}

/// Fails with [`PromptError::OutOfRange`] unless `min <= got <= max`.
pub(super) fn in_range(
    what: &'static str,
    got: usize,
    min: usize,
    max: usize,
) -> Result<(), PromptError> {
    if (min..=max).contains(&got) {
        return Ok(());
    }
    Err(PromptError::OutOfRange {
        what,
        got,
        min,
        max,
    })
}

impl Shape {
    /// Fails with [`PromptError::OutOfRange`] unless both sides and their product are within
    /// their limits.
    pub fn check(self) -> Result<Self, PromptError> {
        in_range("token count", self.tokens, 1, Self::MAX_TOKENS)?;
        in_range("embedding width", self.dim, 1, Self::MAX_DIM)?;
        in_range("size", self.tokens * self.dim, 1, Self::MAX_VALUES)?;
        Ok(self)
    }
}
