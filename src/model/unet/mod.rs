//! The denoising network: a UNet in the skeleton and the names of diffusers'
//! `UNet2DConditionModel`, for every profile.
//!
//! Parts that a profile does not have (norms, attention, time embedding) are absent, not zero. Knows
//! its form and its conditioning, but neither schedules nor latents of earlier frames.

mod block;
mod resnet;
mod time;
mod transformer;

use candle_core::{DType, Tensor};

use self::block::{Block, BlockForm, Grid};
use self::resnet::{Conditioning, norm, normed};
use self::time::TimeEmbedding;
use super::ModelError;
use super::ops::{Conv2d, Norm, silu};
use super::profile::{Modulation, UNetForm};
use super::scope::Scope;

/// A UNet with frozen weights.
#[derive(Debug)]
pub struct UNet {
    time: Option<TimeEmbedding>,
    conv_in: Conv2d,
    down: Vec<Block>,
    middle: Block,
    up: Vec<Block>,
    norm_out: Option<Norm>,
    conv_out: Conv2d,
}

impl UNet {
    /// Takes the layers of `form` from `scope`.
    pub fn new(form: &UNetForm, scope: &Scope<'_>) -> Result<Self, ModelError> {
        let first = form.widths.first().copied().unwrap_or(form.inputs);
        let last = form.widths.last().copied().unwrap_or(first);
        let time = match form.modulation {
            Modulation::Time {
                timestep,
                code,
                dim,
            } => {
                let scope = scope.sub("time_embedding");
                Some(TimeEmbedding::new(timestep, (code, dim), &scope)?)
            }
            Modulation::Prompt { .. } => None,
        };
        let middle = BlockForm {
            resnets: vec![(last, last); 2],
            heads: form.attention.as_ref().map_or(0, |a| a.middle_heads),
            transformers: 1,
            grid: Grid::Keep,
        };
        Ok(Self {
            time,
            conv_in: scope.sub("conv_in").conv3(form.inputs, first)?,
            down: down_blocks(form, &scope.sub("down_blocks"))?,
            middle: Block::new(form, &middle, &scope.sub("mid_block"))?,
            up: up_blocks(form, &scope.sub("up_blocks"))?,
            norm_out: norm(form, first, &scope.sub("conv_norm_out"))?,
            conv_out: scope.sub("conv_out").conv3(first, form.outputs)?,
        })
    }

    /// Number format of the computation.
    pub fn dtype(&self) -> DType {
        self.conv_in.dtype()
    }

    /// `x` (B, inputs, H, W) → (B, outputs, H, W); H and W divisible by 2 at every level. The prompt
    /// is a map (B, D, h, w) or tokens (B, T, D), as the form's modulation and attention take it.
    pub fn forward(&self, x: &Tensor, prompt: &Tensor) -> Result<Tensor, ModelError> {
        let time = self.time.as_ref().map(TimeEmbedding::forward).transpose()?;
        let conditioning = Conditioning { prompt, time };
        let mut x = self.conv_in.forward(x)?;
        let mut skips = vec![x.clone()];
        for block in &self.down {
            for layer in &block.layers {
                x = layer.forward(&x, &conditioning)?;
                skips.push(x.clone());
            }
            if let Some(conv) = &block.resample {
                x = conv.forward(&x)?;
                skips.push(x.clone());
            }
        }
        for layer in &self.middle.layers {
            x = layer.forward(&x, &conditioning)?;
        }
        for block in &self.up {
            for layer in &block.layers {
                if let Some(skip) = skips.pop() {
                    x = Tensor::cat(&[&x, &skip], 1)?;
                }
                x = layer.forward(&x, &conditioning)?;
            }
            if let Some(conv) = &block.resample {
                x = conv.forward_enlarged(&x)?;
            }
        }
        let x = silu(&normed(self.norm_out.as_ref(), &x)?)?;
        Ok(self.conv_out.forward(&x)?)
    }
}

fn down_blocks(form: &UNetForm, scope: &Scope<'_>) -> Result<Vec<Block>, ModelError> {
    let mut inputs = form.widths.first().copied().unwrap_or(form.inputs);
    let mut blocks = Vec::with_capacity(form.widths.len());
    for (i, &width) in form.widths.iter().enumerate() {
        let channels = |j| (if j == 0 { inputs } else { width }, width);
        let last = i + 1 == form.widths.len();
        let block = BlockForm {
            resnets: (0..form.layers).map(channels).collect(),
            heads: form.heads(i),
            transformers: form.layers,
            grid: if last { Grid::Keep } else { Grid::Halve },
        };
        blocks.push(Block::new(form, &block, &scope.sub(i))?);
        inputs = width;
    }
    Ok(blocks)
}

/// Coarsest first; resnet j takes the hidden layer and its skip connection.
fn up_blocks(form: &UNetForm, scope: &Scope<'_>) -> Result<Vec<Block>, ModelError> {
    let mut inputs = form.widths.last().copied().unwrap_or(form.inputs);
    let mut blocks = Vec::with_capacity(form.widths.len());
    for (i, (level, &width)) in form.widths.iter().enumerate().rev().enumerate() {
        let finer = form.widths[level.saturating_sub(1)];
        let channels = |j| {
            let before = if j == 0 { inputs } else { width };
            let skip = if j == form.layers { finer } else { width };
            (before + skip, width)
        };
        let block = BlockForm {
            resnets: (0..=form.layers).map(channels).collect(),
            heads: form.heads(level),
            transformers: form.layers + 1,
            grid: if level == 0 { Grid::Keep } else { Grid::Double },
        };
        blocks.push(Block::new(form, &block, &scope.sub(i))?);
        inputs = width;
    }
    Ok(blocks)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Conditioning, UNet};
    use crate::model::Profile;
    use crate::model::gradient_check::{check, normal};
    use crate::model::profile::Modulation;
    use crate::model::scope::Scope;
    use crate::model::synthetic::{Listing, RandomWeights, narrow_sd_turbo};
    use crate::model::unet::resnet::Resnet;
    use crate::model::unet::transformer::{Size, Transformer};
    use candle_core::{Device, Error};

    #[test]
    fn resnets_have_exact_gradients_with_time_and_with_prompt() {
        let source = RandomWeights::new(3, &Device::Cpu);
        let x = normal(1, &[1, 16, 4, 4]);
        let map = normal(2, &[1, 32, 2, 2]);
        for form in [narrow_sd_turbo().unet, Profile::mini().unet] {
            let resnet = Resnet::new(&form, (16, 32), &Scope::root(&source)).unwrap();
            let time = Some(normal(4, &[1, 24]));
            let forward = |x: &_, prompt: &_| {
                let time = time.clone();
                let conditioning = Conditioning { prompt, time };
                resnet.forward(x, &conditioning).map_err(Error::wrap)
            };
            check(&x, 1e-2, |x| forward(x, &map));
            if matches!(form.modulation, Modulation::Prompt { .. }) {
                check(&map, 1e-2, |map| forward(&x, map));
            }
        }
    }

    #[test]
    fn transformers_have_exact_gradients() {
        let source = RandomWeights::new(3, &Device::Cpu);
        let size = Size {
            channels: 16,
            heads: 2,
            context: 20,
            groups: 4,
        };
        let transformer = Transformer::new(size, &Scope::root(&source)).unwrap();
        let x = normal(1, &[2, 16, 3, 4]);
        let prompt = normal(2, &[2, 5, 20]);
        let forward = |x: &_, prompt: &_| transformer.forward(x, prompt).map_err(Error::wrap);
        check(&x, 1e-2, |x| forward(x, &prompt));
        check(&prompt, 1e-2, |prompt| forward(&x, prompt));
    }

    #[test]
    fn the_whole_network_has_exact_gradients() {
        let source = RandomWeights::new(5, &Device::Cpu);
        let unet = UNet::new(&narrow_sd_turbo().unet, &Scope::root(&source)).unwrap();
        let x = normal(1, &[1, 4, 8, 4]);
        let prompt = normal(2, &[1, 5, 20]);
        check(&prompt, 1e-2, |prompt| {
            unet.forward(&x, prompt).map_err(Error::wrap)
        });
        check(&x, 1e-2, |x| unet.forward(x, &prompt).map_err(Error::wrap));
    }

    #[test]
    fn sd_turbo_has_the_tensors_of_the_published_unet() {
        let listing = Listing::default();
        UNet::new(&Profile::sd_turbo().unet, &Scope::root(&listing)).unwrap();
        let tensors = listing.into_tensors();
        let values = tensors
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>());
        let values: usize = values.sum();
        assert_eq!((tensors.len(), values), (686, 865_910_724));
        for (name, shape) in [
            ("time_embedding.linear_1.weight", &[1280, 320][..]),
            (
                "down_blocks.2.attentions.1.transformer_blocks.0.attn2.to_k.weight",
                &[1280, 1024],
            ),
            (
                "mid_block.attentions.0.transformer_blocks.0.ff.net.0.proj.bias",
                &[10240],
            ),
            (
                "up_blocks.0.resnets.2.conv_shortcut.weight",
                &[1280, 2560, 1, 1],
            ),
            ("up_blocks.3.resnets.0.conv1.weight", &[320, 960, 3, 3]),
            ("up_blocks.2.upsamplers.0.conv.bias", &[640]),
        ] {
            let asked = tensors.iter().any(|(n, s)| n == name && s == shape);
            assert!(asked, "{name} {shape:?}");
        }
    }
}
