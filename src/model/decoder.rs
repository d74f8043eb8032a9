//! Latent → picture: decoders of TAESD's form.
//!
//! Stages of residual blocks with a doubling of the grid between them (Ollin Boer Bohan's TAESD).
//! A profile may end in a pixel shuffle and may add a linear map of each latent cell, which gives the
//! layout while the stages add detail. Knows nothing of prompts or denoising.

use candle_core::{DType, Tensor};

use super::ModelError;
use super::ops::{Conv2d, ResidualBlock, pixel_shuffle};
use super::profile::DecoderForm;
use super::scope::Scope;

/// Colour channels of a picture.
const COLOURS: usize = 3;

/// A decoder with frozen weights.
#[derive(Debug)]
pub struct Decoder {
    squash: bool,
    conv_in: Conv2d,
    stages: Vec<Stage>,
    conv_out: Conv2d,
    shuffle: usize,
    linear: Option<Conv2d>,
    cell: usize,
}

#[derive(Debug)]
struct Stage {
    blocks: Vec<ResidualBlock>,
    up: Option<Conv2d>,
}

impl Decoder {
    /// Takes the layers of `form` for latents of `channels` from `scope`.
    pub fn new(form: &DecoderForm, channels: usize, scope: &Scope<'_>) -> Result<Self, ModelError> {
        let widths: Vec<usize> = form.stages.iter().map(|stage| stage.channels).collect();
        let first = widths.first().copied().unwrap_or(channels);
        let last = widths.last().copied().unwrap_or(channels);
        let doublings = widths.len().saturating_sub(1);
        let cell = form.shuffle << doublings;
        let stages = form.stages.iter().enumerate().map(|(i, stage)| {
            let scope = scope.sub("stages").sub(i);
            let blocks = scope.sub("blocks");
            let blocks = (0..stage.blocks)
                .map(|b| blocks.sub(b).residual_block(stage.channels, form.convs))
                .collect::<Result<_, _>>()?;
            let up = widths.get(i + 1).map(|&next| {
                let channels = (stage.channels, next);
                scope.sub("up").conv(channels, 3, 1, form.up_bias)
            });
            let up = up.transpose()?;
            Ok(Stage { blocks, up })
        });
        let stages = stages.collect::<Result<_, ModelError>>()?;
        let pixels = COLOURS * form.shuffle * form.shuffle;
        let linear = scope.sub("linear");
        let linear = form
            .linear
            .then(|| linear.conv1(channels, COLOURS * cell * cell));
        Ok(Self {
            squash: form.squash,
            conv_in: scope.sub("conv_in").conv3(channels, first)?,
            stages,
            conv_out: scope.sub("conv_out").conv3(last, pixels)?,
            shuffle: form.shuffle,
            linear: linear.transpose()?,
            cell,
        })
    }

    /// Number format of the computation.
    pub fn dtype(&self) -> DType {
        self.conv_in.dtype()
    }

    /// (B, C, Hl, Wl) → pictures (B, 3, H, W), nominally in 0..1 and not clamped.
    pub fn forward(&self, latent: &Tensor) -> Result<Tensor, ModelError> {
        let mut x = if self.squash {
            ((latent / 3.0)?.tanh()? * 3.0)?
        } else {
            latent.clone()
        };
        x = self.conv_in.forward_relu(&x)?;
        for stage in &self.stages {
            for block in &stage.blocks {
                x = block.forward(&x)?;
            }
            if let Some(up) = &stage.up {
                x = up.forward_enlarged(&x)?;
            }
        }
        let mut picture = self.conv_out.forward(&x)?;
        if self.shuffle > 1 {
            picture = pixel_shuffle(&picture, self.shuffle)?;
        }
        match &self.linear {
            Some(linear) => Ok((pixel_shuffle(&linear.forward(latent)?, self.cell)? + picture)?),
            None => Ok(picture),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Decoder;
    use crate::model::Profile;
    use crate::model::gradient_check::{check, normal};
    use crate::model::profile::{DecoderForm, Stage};
    use crate::model::scope::Scope;
    use crate::model::synthetic::RandomWeights;
    use candle_core::{Device, Error};

    #[test]
    fn both_forms_have_exact_gradients_and_sizes() {
        let source = RandomWeights::new(4, &Device::Cpu);
        let narrow = DecoderForm {
            stages: Stage::list([(8, 1); 2]),
            ..DecoderForm::taesd()
        };
        let mini = Profile::mini().decoder;
        for (form, channels, cell) in [(narrow, 4, 2), (mini, 16, 8)] {
            let decoder = Decoder::new(&form, channels, &Scope::root(&source)).unwrap();
            let latent = normal(1, &[1, channels, 3, 4]);
            let picture = decoder.forward(&latent).unwrap();
            assert_eq!(picture.dims(), [1, 3, 3 * cell, 4 * cell]);
            check(&latent, 3e-4, |z| decoder.forward(z).map_err(Error::wrap));
        }
    }
}
