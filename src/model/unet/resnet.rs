//! The residual block of the UNet: two convolutions with a modulated hidden layer.

use candle_core::Tensor;

use crate::model::ModelError;
use crate::model::ops::{
    Conv2d, Linear, Norm, add_constant, avg_pool2, modulate, silu, upsample_nearest2,
};
use crate::model::profile::{Modulation, UNetForm};
use crate::model::scope::Scope;

/// Epsilon of the group norms, as Stable Diffusion sets it.
pub(super) const NORM_EPS: f64 = 1e-5;

/// Conditioning of the layers: prompt map or tokens, and the time embedding.
pub(super) struct Conditioning<'a> {
    /// A map (B, D, h, w) for the resnets or tokens (B, T, D) for the transformers.
    pub(super) prompt: &'a Tensor,
    /// silu of the time embedding (1, dim), where the form has one.
    pub(super) time: Option<Tensor>,
}

/// norm, silu, conv, modulation, norm, silu, conv, plus the input (through a 1×1 convolution where
/// the channels differ).
#[derive(Debug)]
pub(super) struct Resnet {
    norm1: Option<Norm>,
    conv1: Conv2d,
    modulation: Layer,
    norm2: Option<Norm>,
    conv2: Conv2d,
    shortcut: Option<Conv2d>,
}

/// How the conditioning enters the hidden layer.
#[derive(Debug)]
enum Layer {
    /// A 1×1 convolution of the prompt map: scale and shift per pixel.
    Prompt(Conv2d),
    /// A linear layer of the time embedding: one shift per channel.
    Time(Linear),
}

impl Resnet {
    pub(super) fn new(
        form: &UNetForm,
        (inputs, outputs): (usize, usize),
        scope: &Scope<'_>,
    ) -> Result<Self, ModelError> {
        let modulation = match form.modulation {
            Modulation::Prompt { dim } => {
                Layer::Prompt(scope.sub("modulation").conv1(dim, 2 * outputs)?)
            }
            Modulation::Time { dim, .. } => {
                Layer::Time(scope.sub("time_emb_proj").linear(dim, outputs, true)?)
            }
        };
        let shortcut = scope.sub("conv_shortcut");
        let shortcut = (inputs != outputs).then(|| shortcut.conv1(inputs, outputs));
        Ok(Self {
            norm1: norm(form, inputs, &scope.sub("norm1"))?,
            conv1: scope.sub("conv1").conv3(inputs, outputs)?,
            modulation,
            norm2: norm(form, outputs, &scope.sub("norm2"))?,
            conv2: scope.sub("conv2").conv3(outputs, outputs)?,
            shortcut: shortcut.transpose()?,
        })
    }

    pub(super) fn forward(
        &self,
        x: &Tensor,
        conditioning: &Conditioning<'_>,
    ) -> Result<Tensor, ModelError> {
        let hidden = silu(&normed(self.norm1.as_ref(), x)?)?;
        let hidden = self.modulated(&self.conv1.forward(&hidden)?, conditioning)?;
        let hidden = silu(&normed(self.norm2.as_ref(), &hidden)?)?;
        let hidden = self.conv2.forward(&hidden)?;
        match &self.shortcut {
            Some(conv) => Ok((hidden + conv.forward(x)?)?),
            None => Ok((hidden + x)?),
        }
    }

    fn modulated(
        &self,
        hidden: &Tensor,
        conditioning: &Conditioning<'_>,
    ) -> Result<Tensor, ModelError> {
        match (&self.modulation, &conditioning.time) {
            (Layer::Prompt(conv), _) => {
                let map = conv.forward(conditioning.prompt)?;
                Ok(modulate(hidden, &to_grid(map, hidden.dim(2)?)?)?)
            }
            (Layer::Time(linear), Some(time)) => {
                let shift = linear.forward(time)?.unsqueeze(2)?.unsqueeze(3)?;
                Ok(add_constant(hidden, &shift)?)
            }
            (Layer::Time(_), None) => Ok(hidden.clone()),
        }
    }
}

/// A group norm where the form has norms.
pub(super) fn norm(
    form: &UNetForm,
    channels: usize,
    scope: &Scope<'_>,
) -> Result<Option<Norm>, ModelError> {
    form.norm_groups
        .map(|groups| scope.group_norm(channels, groups, NORM_EPS))
        .transpose()
}

/// `x` through `norm`, or unchanged without one.
pub(super) fn normed(norm: Option<&Norm>, x: &Tensor) -> Result<Tensor, ModelError> {
    match norm {
        Some(norm) => Ok(norm.forward(x)?),
        None => Ok(x.clone()),
    }
}

/// Resamples a map on the prompt grid to a grid of `height` rows: nearest neighbour if finer, means if
/// coarser.
fn to_grid(mut map: Tensor, height: usize) -> Result<Tensor, ModelError> {
    while map.dim(2)? < height {
        map = upsample_nearest2(&map)?;
    }
    while map.dim(2)? > height {
        map = avg_pool2(&map)?;
    }
    Ok(map)
}
