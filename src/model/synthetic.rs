//! Weights without a file, for tests and benches: seeded random numbers, a list of the tensors that a
//! network asks for, and a profile of SD-Turbo's structure that is small enough to run.

use std::sync::Mutex;

use candle_core::{DType, Device, Tensor};
use sha2::{Digest, Sha256};

use super::ModelError;
use super::noise::RandomState;
use super::profile::{
    AttentionForm, Conditioning, DecoderForm, Modulation, Profile, Stage, UNetForm,
};
use super::weights::Source;

/// Seeded random weights of realistic magnitude.
///
/// Matrices and kernels are normal with variance 1/fan-in, norm scales near 1, other vectors near
/// 0. Each tensor depends on the seed and its name only.
pub struct RandomWeights {
    seed: u32,
    device: Device,
}

impl RandomWeights {
    /// A source that draws from `seed`.
    pub fn new(seed: u32, device: &Device) -> Self {
        Self {
            seed,
            device: device.clone(),
        }
    }
}

impl Source for RandomWeights {
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let digest = Sha256::digest(name.as_bytes());
        let of_name = u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]);
        let mut numbers = RandomState::new(self.seed ^ of_name).randn(shape.iter().product());
        let fan_in: usize = shape.iter().skip(1).product();
        let is_scale = shape.len() == 1 && name.contains("norm") && name.ends_with("weight");
        let (centre, spread) = match shape.len() {
            1 => (f32::from(u8::from(is_scale)), 0.1),
            _ => (0.0, 1.0 / (fan_in as f32).sqrt()),
        };
        for number in &mut numbers {
            *number = centre + spread * *number;
        }
        Ok(Tensor::from_vec(numbers, shape, &self.device)?)
    }

    fn device(&self) -> &Device {
        &self.device
    }
}

/// Records the tensors that a network asks for and returns small placeholders: a network built from
/// it cannot run, but its names and shapes can be compared with a checkpoint's.
#[derive(Default)]
pub struct Listing {
    asked: Mutex<Vec<(String, Vec<usize>)>>,
}

/// Longest side of a placeholder; every larger channel count of a profile is a multiple of it.
const PLACEHOLDER: usize = 32;

impl Listing {
    /// The names and shapes requested so far, in order.
    pub fn into_tensors(self) -> Vec<(String, Vec<usize>)> {
        self.asked.into_inner().unwrap_or_default()
    }
}

impl Source for Listing {
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        if let Ok(mut asked) = self.asked.lock() {
            asked.push((name.to_owned(), shape.to_vec()));
        }
        let small: Vec<usize> = shape.iter().map(|&side| side.min(PLACEHOLDER)).collect();
        Ok(Tensor::zeros(small, DType::F32, &Device::Cpu)?)
    }

    fn device(&self) -> &Device {
        &Device::Cpu
    }
}

/// SD-Turbo's structure at a small width: 7 tokens of 20 values, pictures in cells of 16 pixels.
pub fn narrow_sd_turbo() -> Profile {
    let dim = 20;
    let whole = Profile::sd_turbo();
    Profile {
        cell: 16,
        conditioning: Conditioning::CrossAttention { tokens: 7, dim },
        unet: UNetForm {
            widths: vec![16, 32],
            layers: 1,
            norm_groups: Some(4),
            modulation: Modulation::Time {
                timestep: 999.0,
                code: 16,
                dim: 24,
            },
            attention: Some(AttentionForm {
                heads: vec![2, 0],
                middle_heads: 4,
                context: dim,
            }),
            ..whole.unet
        },
        decoder: DecoderForm {
            stages: Stage::list([(8, 1); 4]),
            ..DecoderForm::taesd()
        },
        ..whole
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{RandomWeights, Source};
    use crate::model::gradient_check::flat;
    use candle_core::Device;

    #[test]
    fn random_weights_depend_on_name_and_seed_only() {
        let draw = |seed, name| {
            let source = RandomWeights::new(seed, &Device::Cpu);
            flat(&source.tensor(name, &[4, 4]).unwrap())
        };
        assert_eq!(draw(1, "x.weight"), draw(1, "x.weight"));
        assert_ne!(draw(1, "x.weight"), draw(2, "x.weight"));
        assert_ne!(draw(1, "x.weight"), draw(1, "y.weight"));
    }
}
