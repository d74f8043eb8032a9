//! Size of a prompt and its limits.

use super::error::{PromptError, in_range};

/// Size of a prompt: `tokens` rows of `dim` values. 77×1024 for `sd-turbo`; `mini` has one token
/// per 16×16 pixels and 32 values each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Rows of P and of U, 1 to [`Shape::MAX_TOKENS`].
    pub tokens: usize,
    /// Columns of P and of V, 1 to [`Shape::MAX_DIM`].
    pub dim: usize,
}

impl Shape {
    /// Most tokens: a grid for 4096×4096 pixels.
    pub const MAX_TOKENS: usize = 1 << 16;
    /// Most values of a token.
    pub const MAX_DIM: usize = 1 << 12;
    /// Most values of a composed prompt (64 MiB).
    pub const MAX_VALUES: usize = 1 << 24;

    /// `tokens` rows of `dim` values.
    pub const fn new(tokens: usize, dim: usize) -> Self {
        Self { tokens, dim }
    }

    /// Fails with [`PromptError::OutOfRange`] unless both sides and their product are within
    /// their limits.
    pub fn check(self) -> Result<Self, PromptError> {
        in_range("token count", self.tokens, 1..=Self::MAX_TOKENS)?;
        in_range("embedding width", self.dim, 1..=Self::MAX_DIM)?;
        in_range("size", self.tokens * self.dim, 1..=Self::MAX_VALUES)?;
        Ok(self)
    }
}

/// Fails unless two prompts, given by shape and full rank, are of one size.
pub(super) fn same_size(a: (Shape, usize), b: (Shape, usize)) -> Result<(), PromptError> {
    let text = |(shape, rank): (Shape, usize)| format!("{shape:?} of full rank {rank}");
    if a == b {
        return Ok(());
    }
    let (a, b) = (text(a), text(b));
    Err(PromptError::Unfit(format!(
        "prompts do not match: {a} and {b}"
    )))
}
