//! The residual block of the small autoencoders: relu(conv(… relu(conv(x))) + x), all 3×3, and in
//! TAEF2's coarsest stage a widening branch before it. Where it stands in a network is not its
//! business.

use candle_core::Tensor;

use super::ModelError;
use super::ops::{self, Conv2d, GroupNorm, relu};
use super::scope::Scope;

/// Width of the widening branch over that of the block.
const EXPANSION: usize = 4;

/// Epsilon of the branch's norm.
const NORM_EPS: f64 = 1e-5;

/// A residual block that keeps channels and grid.
#[derive(Debug)]
pub(super) struct ResidualBlock {
    pool: Option<Pool>,
    convs: ops::ResidualBlock,
}

/// x + narrow(relu(norm(widen(x)))), both 1×1 convolutions.
#[derive(Debug)]
struct Pool {
    widen: Conv2d,
    norm: GroupNorm,
    narrow: Conv2d,
}

impl ResidualBlock {
    /// `count` convolutions, named `convs.0`, `convs.1`, …; with `pool_groups` a widening branch,
    /// its layers named `pool.widen`, `pool.norm` and `pool.narrow`.
    pub(super) fn new(
        scope: &Scope<'_>,
        channels: usize,
        count: usize,
        pool_groups: Option<usize>,
    ) -> Result<Self, ModelError> {
        let convs = scope.sub("convs");
        let convs = (0..count).map(|i| convs.sub(i).conv3(channels, channels));
        let convs = convs.collect::<Result<_, _>>()?;
        let pool = pool_groups.map(|groups| Pool::new(&scope.sub("pool"), channels, groups));
        Ok(Self {
            pool: pool.transpose()?,
            convs: ops::ResidualBlock::new(convs)?,
        })
    }

    pub(super) fn forward(&self, x: &Tensor) -> Result<Tensor, ModelError> {
        match &self.pool {
            Some(pool) => Ok(self.convs.forward(&pool.forward(x)?)?),
            None => Ok(self.convs.forward(x)?),
        }
    }
}

impl Pool {
    fn new(scope: &Scope<'_>, channels: usize, groups: usize) -> Result<Self, ModelError> {
        let wide = EXPANSION * channels;
        let conv = |name, channels| scope.sub(name).conv(channels, 1, 1, false);
        Ok(Self {
            widen: conv("widen", (channels, wide))?,
            norm: scope.sub("norm").group_norm(wide, groups, NORM_EPS)?,
            narrow: conv("narrow", (wide, channels))?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, ModelError> {
        let wide = relu(&self.norm.forward(&self.widen.forward(x)?)?)?;
        Ok((self.narrow.forward(&wide)? + x)?)
    }
}
