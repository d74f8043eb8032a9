//! The start latent: z = (1 − w)·previous + w·noise.
//!
//! The encoder fits with exactly the start that the player will have, so the recurrence stands
//! here once, for both. Which latent is "previous" is the caller's business.

use candle_core::{Device, Tensor};

use super::ModelError;
use super::noise::RandomState;

/// The fixed noise of one track and its weight.
#[derive(Debug, Clone)]
pub struct Start {
    noise: Tensor,
    weight: f64,
}

impl Start {
    /// Draws the noise for latents of (channels, rows, columns) from `seed`; `weight` is w.
    pub fn new(
        seed: u32,
        weight: f64,
        (channels, rows, columns): (usize, usize, usize),
        device: &Device,
    ) -> Result<Self, ModelError> {
        let values = RandomState::new(seed).randn(channels * rows * columns);
        let noise = Tensor::from_vec(values, (1, channels, rows, columns), device)?;
        Ok(Self { noise, weight })
    }

    /// z where nothing came before: previous = 0. Shape (1, C, Hl, Wl).
    pub fn fresh(&self) -> Result<Tensor, ModelError> {
        Ok((&self.noise * self.weight)?)
    }

    /// What a unit of the latent before adds to z: 1 − w.
    pub fn share_before(&self) -> f64 {
        1.0 - self.weight
    }

    /// z after the latent `previous` (1, C, Hl, Wl).
    pub fn after(&self, previous: &Tensor) -> Result<Tensor, ModelError> {
        Ok(((previous * self.share_before())? + self.fresh()?)?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Start;
    use candle_core::{Device, Tensor};

    #[test]
    fn a_twentieth_of_the_latent_before_is_kept() {
        let start = Start::new(88, 0.95, (4, 2, 2), &Device::Cpu).unwrap();
        let fresh: Vec<f32> = start
            .fresh()
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap();
        assert!((fresh[0] - 0.95 * 0.106_884_3).abs() < 1e-6);
        let before = Tensor::ones((1, 4, 2, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
        let after = start.after(&before).unwrap().flatten_all().unwrap();
        for (a, f) in after.to_vec1::<f32>().unwrap().iter().zip(fresh) {
            assert!((a - f - 0.05).abs() < 1e-6);
        }
    }
}
