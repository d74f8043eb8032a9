//! `mini` from candle's own operations, layer for layer, as one would write it without ours.

use promptus::model::profile::Profile;
use promptus::model::weights::Source;
use candle_core::{Error, Result, Tensor};
use std::collections::HashMap;
use std::sync::Mutex;

/// The network for one prompt map and one start latent.
pub(crate) struct StockMini<'a> {
    profile: &'a Profile,
    source: &'a dyn Source,
    layers: Mutex<HashMap<String, (Tensor, Tensor)>>,
}

impl<'a> StockMini<'a> {
    pub(crate) fn new(profile: &'a Profile, source: &'a dyn Source) -> Self {
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
    pub(crate) fn frames(&self, map: &Tensor, start: &Tensor) -> Result<Tensor> {
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
        let mut modulation = self.conv(&part("modulation"), map, 2 * width, (1, 1))?;
        while modulation.dim(2)? < x.dim(2)? {
            modulation = double(&modulation)?;
        }
        while modulation.dim(2)? > x.dim(2)? {
            modulation = modulation.avg_pool2d(2)?;
        }
        let hidden = self.conv(&part("conv1"), &x.silu()?, width, (3, 1))?;
        let scale = (modulation.narrow(1, 0, width)? + 1.0)?;
        let hidden = ((hidden * scale)? + modulation.narrow(1, width, width)?)?;
        let hidden = self.conv(&part("conv2"), &hidden.silu()?, width, (3, 1))?;
        if x.dim(1)? == width {
            hidden + x
        } else {
            hidden + self.conv(&part("conv_shortcut"), x, width, (1, 1))?
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

/// Tokens row by row (1, T, D) → the map (1, D, h, w) that [`StockMini`] takes.
pub(crate) fn as_map(prompt: &Tensor, (rows, columns): (usize, usize)) -> Result<Tensor> {
    let map = prompt.transpose(1, 2)?.contiguous()?;
    map.reshape((prompt.dim(0)?, prompt.dim(2)?, rows, columns))
}
