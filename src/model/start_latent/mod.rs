//! The latent that a segment's first keyframe is generated from: written once, for the encoder's fit
//! and for the player, so that the two cannot drift apart.
//!
//! [`StartMix`] is the recurrence z = (1 − w)·previous + w·noise, [`StartPayload`] the data on
//! "previous" in a closed segment. Knows nothing else of segments; the renderer keeps the latents of
//! a chain.
//!
//! ```
//! use promptus::model::{Generator, StartPayload};
//! use promptus::segment::StartLatent;
//!
//! let generator = Generator::shipped(&candle_core::Device::Cpu)?;
//! let mix = generator.start((64, 32))?;
//! let payload = StartPayload { mode: StartLatent::Noise, bytes: &[] };
//! let latent = payload.latent(&generator, &mix, |_| None)?;
//! assert_eq!(latent.dims(), [1, 16, 4, 8]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
#![doc = include_str!("../../docs/start-latent.md")]

mod payload;
mod sent;

pub use payload::{StartPayload, latent_of};

use candle_core::{Device, Tensor};

use super::ModelError;
use super::noise::RandomState;
use super::profile::LatentShape;

/// The fixed noise of one track and its weight w in the recurrence z = (1 − w)·previous + w·noise of
/// the reference (`generation.py`).
#[derive(Debug, Clone)]
pub struct StartMix {
    noise: Tensor,
    weight: f64,
}

impl StartMix {
    /// Draws noise of `shape` from `seed`; `weight` is w, in [0, 1].
    pub fn new(
        seed: u32,
        weight: f64,
        shape: LatentShape,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let values = RandomState::new(seed).randn(shape.values());
        let dims = (1, shape.channels, shape.rows, shape.columns);
        let noise = Tensor::from_vec(values, dims, device)?;
        Ok(Self { noise, weight })
    }

    /// z with previous = 0, shape (1, C, Hl, Wl).
    pub fn fresh(&self) -> Result<Tensor, ModelError> {
        Ok((&self.noise * self.weight)?)
    }

    /// z after the latent `previous` (1, C, Hl, Wl).
    pub fn after(&self, previous: &Tensor) -> Result<Tensor, ModelError> {
        Ok(((previous * (1.0 - self.weight))? + self.fresh()?)?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::StartMix;
    use crate::model::profile::LatentShape;
    use candle_core::{DType, Device, Tensor};

    #[test]
    fn previous_latent_has_weight_0_05() {
        let shape = LatentShape {
            channels: 4,
            rows: 2,
            columns: 2,
        };
        let values = |x: Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let mix = StartMix::new(88, 0.95, shape, &Device::Cpu).unwrap();
        let noise = values(mix.fresh().unwrap());
        assert!((noise[0] - 0.95 * 0.106_884_3).abs() < 1e-6);
        let previous = Tensor::ones((1, 4, 2, 2), DType::F32, &Device::Cpu).unwrap();
        for (z, noise) in values(mix.after(&previous).unwrap()).iter().zip(noise) {
            assert!((z - noise - 0.05).abs() < 1e-6);
        }
    }
}
