//! The embedding of the single timestep: a sinusoidal code through two linear layers, as diffusers'
//! `Timesteps` (cosines first, no frequency shift) and `TimestepEmbedding`.

use candle_core::Tensor;

use crate::model::ModelError;
use crate::model::ops::{Linear, silu};
use crate::model::scope::Scope;

/// Longest period of the code, in timesteps over 2π.
const LONGEST: f64 = 10_000.0;

#[derive(Debug)]
pub(super) struct TimeEmbedding {
    code: Tensor,
    linear_1: Linear,
    linear_2: Linear,
}

impl TimeEmbedding {
    pub(super) fn new(
        timestep: f64,
        (code, dim): (usize, usize),
        scope: &Scope<'_>,
    ) -> Result<Self, ModelError> {
        let linear_1 = scope.sub("linear_1").linear(code, dim, true)?;
        let code = Tensor::from_vec(sinusoids(timestep, code), (1, code), scope.device())?;
        Ok(Self {
            code: code.to_dtype(linear_1.dtype())?,
            linear_1,
            linear_2: scope.sub("linear_2").linear(dim, dim, true)?,
        })
    }

    /// silu of the embedding, (1, dim), as every resnet takes it.
    pub(super) fn forward(&self) -> Result<Tensor, ModelError> {
        let hidden = silu(&self.linear_1.forward(&self.code)?)?;
        Ok(silu(&self.linear_2.forward(&hidden)?)?)
    }
}

/// cos(t·ω) for descending ω, then sin(t·ω); `length` values in all.
fn sinusoids(timestep: f64, length: usize) -> Vec<f32> {
    let half = length / 2;
    let angle = |i: usize| timestep * (-LONGEST.ln() * i as f64 / half as f64).exp();
    let cosines = (0..half).map(|i| angle(i).cos() as f32);
    let sines = (0..half).map(|i| angle(i).sin() as f32);
    cosines.chain(sines).collect()
}
