//! Size of a prompt and its limits.

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
}
