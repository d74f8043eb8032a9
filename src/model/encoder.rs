//! Picture → prompt or latent: stages of residual blocks with a halving of the grid between them.
//!
//! With `mini`'s form it predicts the composed prompt P of a picture, the initial value of a fit; with
//! TAESD's it is the tiny latent encoder. Its feature maps are the perceptual distance where LPIPS
//! weights are not installed. Knows nothing of factors or of the generator.

use candle_core::{Device, Tensor};
use sha2::{Digest, Sha256};

use super::ModelError;
use super::ops::{Conv2d, ResidualBlock, pixel_unshuffle};
use super::profile::{EncoderForm, Profile};
use super::scope::Scope;
use super::weights::Checkpoint;

/// Colour channels of a picture.
const COLOURS: usize = 3;

/// The weights of `mini`'s encoder network.
const SHIPPED: &[u8] = include_bytes!("../../static/mini/encoder.safetensors");

/// An encoder network with frozen weights.
#[derive(Debug)]
pub struct Encoder {
    unshuffle: usize,
    entry_relu: bool,
    stages: Vec<Stage>,
    conv_out: Conv2d,
    linear: Option<(usize, Conv2d)>,
}

#[derive(Debug)]
struct Stage {
    entry: Conv2d,
    blocks: Vec<ResidualBlock>,
}

impl Encoder {
    /// The encoder network of `mini`, whose weights are part of the crate.
    pub fn shipped(device: &Device) -> Result<Self, ModelError> {
        let name = "encoder.safetensors";
        let weights = Checkpoint::from_bytes(name, SHIPPED, device)?;
        let form = Profile::mini().encoder.unwrap_or_else(EncoderForm::taesd);
        Self::new(&form, &Scope::root(&weights).sub("encoder"))
    }

    /// SHA-256 of the shipped weights.
    pub fn shipped_hash() -> [u8; 32] {
        Sha256::digest(SHIPPED).into()
    }

    /// Takes the layers of `form` from `scope`.
    pub fn new(form: &EncoderForm, scope: &Scope<'_>) -> Result<Self, ModelError> {
        let mut inputs = COLOURS * form.unshuffle * form.unshuffle;
        let mut stages = Vec::with_capacity(form.stages.len());
        let mut numbered = 0..;
        for (i, stage) in form.stages.iter().enumerate() {
            let entry = match i {
                0 => scope.sub("conv_in").conv3(inputs, stage.channels)?,
                _ => {
                    let channels = (inputs, stage.channels);
                    let scope = scope.sub("down").sub(i - 1);
                    scope.conv(channels, 3, 2, form.entry_relu)?
                }
            };
            let blocks = scope.sub("blocks");
            let blocks = numbered
                .by_ref()
                .take(stage.blocks)
                .map(|b: usize| blocks.sub(b).residual_block(stage.channels, form.convs))
                .collect::<Result<_, _>>()?;
            stages.push(Stage { entry, blocks });
            inputs = stage.channels;
        }
        let linear = form.linear_cell.map(|cell| {
            let linear = scope
                .sub("linear")
                .conv1(COLOURS * cell * cell, form.outputs)?;
            Ok::<_, ModelError>((cell, linear))
        });
        Ok(Self {
            unshuffle: form.unshuffle,
            entry_relu: form.entry_relu,
            stages,
            conv_out: scope.sub("conv_out").conv3(inputs, form.outputs)?,
            linear: linear.transpose()?,
        })
    }

    /// Pictures (B, 3, H, W) in 0..1 → a map (B, outputs, rows, columns).
    pub fn forward(&self, pictures: &Tensor) -> Result<Tensor, ModelError> {
        let features = self.features(pictures)?;
        let last = features.last().unwrap_or(pictures);
        let map = self.conv_out.forward(last)?;
        match &self.linear {
            Some((cell, linear)) => {
                Ok((linear.forward(&pixel_unshuffle(pictures, *cell)?)? + map)?)
            }
            None => Ok(map),
        }
    }

    /// The composed prompts (B, T, D) of pictures (B, 3, H, W), tokens row by row.
    pub fn prompts(&self, pictures: &Tensor) -> Result<Tensor, ModelError> {
        let map = self.forward(pictures)?;
        Ok(map.flatten_from(2)?.transpose(1, 2)?.contiguous()?)
    }

    /// The feature maps after each stage, finest first; differentiable.
    pub fn features(&self, pictures: &Tensor) -> Result<Vec<Tensor>, ModelError> {
        let mut x = match self.unshuffle {
            1 => pictures.clone(),
            side => pixel_unshuffle(pictures, side)?,
        };
        let mut maps = Vec::with_capacity(self.stages.len());
        for stage in &self.stages {
            x = if self.entry_relu {
                stage.entry.forward_relu(&x)?
            } else {
                stage.entry.forward(&x)?
            };
            for block in &stage.blocks {
                x = block.forward(&x)?;
            }
            maps.push(x.clone());
        }
        Ok(maps)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Encoder;
    use crate::model::Profile;
    use crate::model::gradient_check::{check, normal};
    use crate::model::scope::Scope;
    use crate::model::synthetic::RandomWeights;
    use candle_core::{Device, Error};

    #[test]
    fn features_and_prompts_have_exact_gradients() {
        let form = Profile::mini().encoder.unwrap();
        let source = RandomWeights::new(6, &Device::Cpu);
        let encoder = Encoder::new(&form, &Scope::root(&source)).unwrap();
        let picture = (normal(1, &[1, 3, 32, 64]) * 0.2).unwrap();
        let prompts = encoder.prompts(&picture).unwrap();
        assert_eq!(prompts.dims(), [1, 8, 32]);
        check(&picture, 4e-5, |x| encoder.prompts(x).map_err(Error::wrap));
        check(&picture, 4e-5, |x| {
            let maps = encoder.features(x).map_err(Error::wrap)?;
            Ok(maps[1].clone())
        });
    }
}
