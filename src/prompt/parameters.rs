//! The parameters that both sides of the coding agree on. They stand in the track's configuration.

use super::error::in_range;
use super::{Factors, PromptError, Quantiser, Shape};

/// Coding of keyframes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum CodingId {
    /// The reference's bytes: one payload per keyframe, which cannot be truncated.
    Reference = 0,
    /// One stream per component, predicted from earlier keyframes of the segment.
    Layered = 1,
}

impl TryFrom<u8> for CodingId {
    type Error = PromptError;

    fn try_from(id: u8) -> Result<Self, PromptError> {
        match id {
            0 => Ok(Self::Reference),
            1 => Ok(Self::Layered),
            _ => Err(PromptError::UnknownCoding(id)),
        }
    }
}

/// Parameters of the coding, part of the track's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodingParameters {
    /// How keyframes are coded.
    pub coding: CodingId,
    /// Tokens and values of a token.
    pub shape: Shape,
    /// Columns of the token grid (row-major), a divisor of the tokens; 0 if tokens have no positions.
    pub grid_width: usize,
    /// Components of this rung, 1 to `full_rank`.
    pub components: usize,
    /// Components of the fit, which determine the scale 1/√full_rank.
    pub full_rank: usize,
    /// Widths of the integers (layered coding; the reference's are fixed).
    pub quantiser: Quantiser,
}

impl CodingParameters {
    /// Most values of U: 64 components at 4096×4096 pixels.
    const MAX_U: usize = 1 << 22;

    /// Fails unless every parameter is within its limits.
    pub fn check(&self) -> Result<(), PromptError> {
        self.shape.check()?;
        self.quantiser.check()?;
        in_range("full rank", self.full_rank, 1, Factors::MAX_RANK)?;
        in_range("component count", self.components, 1, self.full_rank)?;
        let tokens = self.shape.tokens;
        in_range("size of U", tokens * self.components, 1, Self::MAX_U)?;
        if self.grid_width > 0 && !tokens.is_multiple_of(self.grid_width) {
            return Err(PromptError::Grid {
                width: self.grid_width,
                tokens,
            });
        }
        Ok(())
    }

    /// Fails if `factors` do not fit these parameters.
    pub(super) fn check_factors(&self, factors: &Factors) -> Result<(), PromptError> {
        if factors.shape() != self.shape || factors.full_rank() != self.full_rank {
            return Err(PromptError::Mismatch {
                left_shape: self.shape,
                left_rank: self.full_rank,
                right_shape: factors.shape(),
                right_rank: factors.full_rank(),
            });
        }
        in_range("rank", factors.rank(), self.components, self.full_rank)
    }
}

/// One coded keyframe: the bytes of every layer, lowest component first. The reference coding has one
/// layer, its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedKeyframe {
    /// Bytes of layer j; may be empty.
    pub layers: Vec<Vec<u8>>,
}
