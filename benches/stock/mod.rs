//! The peers inside this binary: the same networks from candle's own operations, as one would write
//! them without ours. `mini` whole; of `sd-turbo` candle-transformers' UNet.

use crate::model::ModelError;
use crate::model::profile::{AttentionForm, Profile};
use crate::model::weights::Source;
use candle_core::{DType, Device, Error, Result, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use candle_transformers::models::stable_diffusion::unet_2d::{
    BlockConfig, UNet2DConditionModel, UNet2DConditionModelConfig,
};
use std::collections::HashMap;
use std::sync::Mutex;

/// `mini`, layer for layer, for one prompt map and one start latent.
pub(super) struct StockMini<'a> {
    profile: &'a Profile,
    source: &'a dyn Source,
    layers: Mutex<HashMap<String, (Tensor, Tensor)>>,
}

impl<'a> StockMini<'a> {
    pub(super) fn new(profile: &'a Profile, source: &'a dyn Source) -> Self {
        Self {
            profile,
            source,
            layers: Mutex::default(),
        }
    }

    /// Weight and bias, read at first use.
    fn layer(&self, name: &str, shape: &[usize]) -> Result<(Tensor, Tensor)> {
        let mut layers = self
            .layers
            .lock()
            .map_err(|_| Error::msg("a thread died"))?;
        if let Some(layer) = layers.get(name) {
            return Ok(layer.clone());
        }
        let tensor = |leaf: &str, shape: &[usize]| {
            let tensor = self.source.tensor(&format!("{name}.{leaf}"), shape);
            tensor.map_err(Error::wrap)
        };
        let layer = (tensor("weight", shape)?, tensor("bias", &shape[..1])?);
        layers.insert(name.to_owned(), layer.clone());
        Ok(layer)
    }

    fn conv(
        &self,
        name: &str,
        x: &Tensor,
        outputs: usize,
        kernel: (usize, usize),
    ) -> Result<Tensor> {
        let (side, stride) = kernel;
        let (weight, bias) = self.layer(name, &[outputs, x.dim(1)?, side, side])?;
        let y = x.conv2d(&weight, side / 2, stride, 1, 1)?;
        y.broadcast_add(&bias.reshape((1, (), 1, 1))?)
    }

    /// Frames (1, 3, H, W) of the prompt map (1, D, h, w) and the start latent.
    pub(super) fn frames(&self, map: &Tensor, start: &Tensor) -> Result<Tensor> {
        let channels = self.profile.latent_channels;
        let lifted = self.conv("lift", map, 4 * channels, (3, 1))?;
        let lifted = candle_nn::ops::pixel_shuffle(&lifted, 2)?;
        let x = Tensor::cat(&[start, &lifted], 1)?;
        self.decode(&(self.unet(&x, map)? + lifted)?)
    }

    fn unet(&self, x: &Tensor, map: &Tensor) -> Result<Tensor> {
        let widths = &self.profile.unet.widths;
        let mut x = self.conv("unet.conv_in", x, widths[0], (3, 1))?;
        let mut skips = vec![x.clone()];
        for (i, &width) in widths.iter().enumerate() {
            let name = format!("unet.down_blocks.{i}");
            x = self.resnet(&format!("{name}.resnets.0"), &x, map, width)?;
            skips.push(x.clone());
            if i + 1 < widths.len() {
                x = self.conv(&format!("{name}.downsamplers.0.conv"), &x, width, (3, 2))?;
                skips.push(x.clone());
            }
        }
        let deepest = x.dim(1)?;
        for j in 0..2 {
            x = self.resnet(&format!("unet.mid_block.resnets.{j}"), &x, map, deepest)?;
        }
        for (i, &width) in widths.iter().rev().enumerate() {
            let name = format!("unet.up_blocks.{i}");
            for j in 0..2 {
                let skip = skips.pop().ok_or_else(|| Error::msg("no skip is left"))?;
                x = Tensor::cat(&[&x, &skip], 1)?;
                x = self.resnet(&format!("{name}.resnets.{j}"), &x, map, width)?;
            }
            if i + 1 < widths.len() {
                let large = double(&x)?;
                x = self.conv(&format!("{name}.upsamplers.0.conv"), &large, width, (3, 1))?;
            }
        }
        let outputs = self.profile.unet.outputs;
        self.conv("unet.conv_out", &x.silu()?, outputs, (3, 1))
    }

    fn resnet(&self, name: &str, x: &Tensor, map: &Tensor, width: usize) -> Result<Tensor> {
        let part = |leaf: &str| format!("{name}.{leaf}");
        let mut told = self.conv(&part("modulation"), map, 2 * width, (1, 1))?;
        while told.dim(2)? < x.dim(2)? {
            told = double(&told)?;
        }
        while told.dim(2)? > x.dim(2)? {
            told = told.avg_pool2d(2)?;
        }
        let hidden = self.conv(&part("conv1"), &x.silu()?, width, (3, 1))?;
        let scale = (told.narrow(1, 0, width)? + 1.0)?;
        let hidden = ((hidden * scale)? + told.narrow(1, width, width)?)?;
        let hidden = self.conv(&part("conv2"), &hidden.silu()?, width, (3, 1))?;
        match x.dim(1)? == width {
            true => hidden + x,
            false => hidden + self.conv(&part("conv_shortcut"), x, width, (1, 1))?,
        }
    }

    fn decode(&self, latent: &Tensor) -> Result<Tensor> {
        let stages = &self.profile.decoder.stages;
        let mut x = self
            .conv("decoder.conv_in", latent, stages[0].channels, (3, 1))?
            .relu()?;
        for (i, stage) in stages.iter().enumerate() {
            let width = stage.channels;
            let name = format!("decoder.stages.{i}");
            let block = format!("{name}.blocks.0.convs");
            let hidden = self
                .conv(&format!("{block}.0"), &x, width, (3, 1))?
                .relu()?;
            x = (self.conv(&format!("{block}.1"), &hidden, width, (3, 1))? + x)?.relu()?;
            if let Some(next) = stages.get(i + 1) {
                x = self.conv(&format!("{name}.up"), &double(&x)?, next.channels, (3, 1))?;
            }
        }
        let detail = self.conv("decoder.conv_out", &x, 12, (3, 1))?;
        let layout = self.conv("decoder.linear", latent, 192, (1, 1))?;
        candle_nn::ops::pixel_shuffle(&layout, 8)? + candle_nn::ops::pixel_shuffle(&detail, 2)?
    }
}

fn double(x: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    x.upsample_nearest2d(2 * height, 2 * width)
}

/// candle-transformers' UNet in the profile's form. Computes nearly what ours does: its gated
/// layers take the tanh form of gelu.
pub(super) fn unet(
    profile: &Profile,
    attention: &AttentionForm,
    source: Box<dyn Source + Send + Sync>,
    dtype: DType,
) -> Result<UNet2DConditionModel> {
    let form = &profile.unet;
    let blocks = form
        .widths
        .iter()
        .zip(&attention.heads)
        .map(|(&width, &heads)| BlockConfig {
            out_channels: width,
            use_cross_attn: (heads > 0).then_some(1),
            attention_head_dim: if heads > 0 {
                heads
            } else {
                attention.middle_heads
            },
        });
    let config = UNet2DConditionModelConfig {
        blocks: blocks.collect(),
        layers_per_block: form.layers,
        norm_num_groups: form.norm_groups.unwrap_or(32),
        cross_attention_dim: attention.context,
        use_linear_projection: true,
        ..UNet2DConditionModelConfig::default()
    };
    let device = source.device().clone();
    let weights = VarBuilder::from_backend(Box::new(Backend(source)), dtype, device);
    UNet2DConditionModel::new(weights.pp("unet"), form.inputs, form.outputs, false, config)
}

/// Our weights for candle's layers.
struct Backend(Box<dyn Source + Send + Sync>);

impl SimpleBackend for Backend {
    fn get(&self, shape: Shape, name: &str, _: Init, dtype: DType, _: &Device) -> Result<Tensor> {
        let tensor = self.0.tensor(name, shape.dims()).map_err(Error::wrap)?;
        tensor.to_dtype(dtype)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> Result<Tensor> {
        Err(Error::CannotFindTensor {
            path: name.to_owned(),
        })
    }

    fn contains_tensor(&self, _: &str) -> bool {
        true
    }
}

/// Tokens row by row (1, T, D) → the map (1, D, h, w) that [`StockMini`] takes.
pub(super) fn as_map(
    prompt: &Tensor,
    grid: (usize, usize),
) -> std::result::Result<Tensor, ModelError> {
    let map = prompt.transpose(1, 2)?.contiguous()?;
    Ok(map.reshape((prompt.dim(0)?, prompt.dim(2)?, grid.0, grid.1))?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{StockMini, as_map};
    use crate::model::synthetic::RandomWeights;
    use crate::model::{Generator, Profile};
    use candle_core::{Device, Tensor};

    #[test]
    fn the_peer_computes_what_ours_does() {
        let (profile, weights) = (Profile::mini(), RandomWeights::new(3, &Device::Cpu));
        let generator = Generator::new(Profile::mini(), &weights, [0; 32]).unwrap();
        let size = (96, 64);
        let shape = profile.prompt_shape(size);
        let start = generator.start(size).unwrap().fresh().unwrap();
        let dims = (1, shape.tokens, shape.dim);
        let prompt = Tensor::randn(0f32, 1.0, dims, &Device::Cpu).unwrap();
        let ours = generator.frames(&prompt, &start).unwrap();
        let stock = StockMini::new(&profile, &weights);
        let theirs = stock
            .frames(&as_map(&prompt, (4, 6)).unwrap(), &start)
            .unwrap();
        let most = |x: &Tensor| {
            let most = x.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            most.to_scalar::<f32>().unwrap()
        };
        assert!(most(&(&ours - theirs).unwrap()) < 1e-4 * most(&ours));
    }
}
