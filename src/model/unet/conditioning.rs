//! What conditions every layer of the UNet.

use candle_core::Tensor;

/// Conditioning: prompt map or tokens, and the time embedding.
pub(super) struct Conditioning<'a> {
    /// A map (B, D, h, w) for the resnets or tokens (B, T, D) for the transformers.
    pub(super) prompt: &'a Tensor,
    /// silu of the time embedding (1, dim), where the form has one.
    pub(super) time: Option<Tensor>,
}
