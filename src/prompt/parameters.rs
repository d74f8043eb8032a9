//! The parameters that both sides of the coding agree on, part of the track's configuration.

use super::error::in_range;
use super::shape::same_size;
use super::{Factors, PromptError, Quantiser, Shape};

/// Coding of keyframes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[repr(u8)]
pub enum CodingId {
    /// The published method's 8-bit payloads, with V in every keyframe.
    Reference = 0,
    /// Predicted and entropy coded, one stream a component.
    Layered = 1,
}

impl TryFrom<u8> for CodingId {
    type Error = PromptError;

    fn try_from(id: u8) -> Result<Self, PromptError> {
        let mut all = [Self::Reference, Self::Layered].into_iter();
        let found = all.find(|&coding| coding as u8 == id);
        found.ok_or(PromptError::UnknownCoding(id))
    }
}

/// Parameters of the coding.
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
        in_range("full rank", self.full_rank, 1..=Factors::MAX_RANK)?;
        in_range("component count", self.components, 1..=self.full_rank)?;
        let (tokens, width) = (self.shape.tokens, self.grid_width);
        in_range("size of U", tokens * self.components, 1..=Self::MAX_U)?;
        if width > 0 && !tokens.is_multiple_of(width) {
            let text = format!("a token grid {width} wide does not fit {tokens} tokens");
            return Err(PromptError::Unfit(text));
        }
        Ok(())
    }

    /// Fails if `factors` do not fit these parameters.
    pub(super) fn check_factors(&self, factors: &Factors) -> Result<(), PromptError> {
        let given = (factors.shape(), factors.full_rank());
        same_size((self.shape, self.full_rank), given)?;
        in_range("rank", factors.rank(), self.components..=self.full_rank)
    }
}

/// One coded keyframe: the bytes of every layer, lowest component first. The reference coding has one
/// layer, its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedKeyframe {
    /// Bytes of layer j; may be empty.
    pub layers: Vec<Vec<u8>>,
}
