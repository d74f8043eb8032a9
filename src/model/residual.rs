//! The residual block of the small autoencoders: relu(conv(… relu(conv(x))) + x), all 3×3.
//! Where it stands in a network is not its business.

use candle_core::Tensor;

use super::ModelError;
use super::ops;
use super::scope::Scope;

/// A residual block that keeps channels and grid.
#[derive(Debug)]
pub(super) struct ResidualBlock(ops::ResidualBlock);

impl ResidualBlock {
    /// `count` convolutions, named `convs.0`, `convs.1`, …
    pub(super) fn new(
        scope: &Scope<'_>,
        channels: usize,
        count: usize,
    ) -> Result<Self, ModelError> {
        let convs = scope.sub("convs");
        let convs = (0..count).map(|i| convs.sub(i).conv3(channels, channels));
        let convs = convs.collect::<Result<_, _>>()?;
        Ok(Self(ops::ResidualBlock::new(convs)?))
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor, ModelError> {
        Ok(self.0.forward(x)?)
    }
}
