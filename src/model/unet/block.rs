//! One level of the UNet: resnets, transformers and the resampling after them.

use candle_core::Tensor;

use super::resnet::{Conditioning, Resnet};
use super::transformer::{Size, Transformer};
use crate::model::ModelError;
use crate::model::ops::Conv2d;
use crate::model::profile::UNetForm;
use crate::model::scope::Scope;

#[derive(Debug)]
pub(super) struct Block {
    pub(super) layers: Vec<Layer>,
    /// Halves or doubles the grid after the last layer.
    pub(super) resample: Option<Conv2d>,
}

/// A resnet and the transformer after it, if there is one.
#[derive(Debug)]
pub(super) struct Layer(Resnet, Option<Transformer>);

/// Resampling at the end of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grid {
    Halve,
    Double,
    Keep,
}

/// Shape of one block.
#[derive(Debug)]
pub(super) struct BlockForm {
    /// Channels in and out of every resnet.
    pub(super) resnets: Vec<(usize, usize)>,
    /// Heads of a transformer; 0: none.
    pub(super) heads: usize,
    /// How many of the resnets, from the first on, are followed by a transformer.
    pub(super) transformers: usize,
    pub(super) grid: Grid,
}

impl Block {
    /// Takes the layers of `block`, a part of the network `form`, from `scope`.
    pub(super) fn new(
        form: &UNetForm,
        block: &BlockForm,
        scope: &Scope<'_>,
    ) -> Result<Self, ModelError> {
        let outputs = block.resnets.last().map_or(0, |&(_, outputs)| outputs);
        let attention = form.attention.as_ref().filter(|_| block.heads > 0);
        let size = attention.map(|a| Size {
            channels: outputs,
            heads: block.heads,
            context: a.context,
            groups: form.norm_groups.unwrap_or(1),
        });
        let layers = block.resnets.iter().enumerate().map(|(j, &channels)| {
            let resnet = Resnet::new(form, channels, &scope.sub("resnets").sub(j))?;
            let size = size.filter(|_| j < block.transformers);
            let scope = scope.sub("attentions").sub(j);
            let transformer = size.map(|size| Transformer::new(size, &scope));
            Ok(Layer(resnet, transformer.transpose()?))
        });
        let resampler = |name, stride| {
            let scope = scope.sub(name).sub(0).sub("conv");
            scope.conv((outputs, outputs), 3, stride, true).map(Some)
        };
        Ok(Self {
            layers: layers.collect::<Result<_, ModelError>>()?,
            resample: match block.grid {
                Grid::Halve => resampler("downsamplers", 2)?,
                Grid::Double => resampler("upsamplers", 1)?,
                Grid::Keep => None,
            },
        })
    }
}

impl Layer {
    pub(super) fn forward(
        &self,
        x: &Tensor,
        conditioning: &Conditioning<'_>,
    ) -> Result<Tensor, ModelError> {
        let x = self.0.forward(x, conditioning)?;
        match &self.1 {
            Some(transformer) => transformer.forward(&x, conditioning.prompt),
            None => Ok(x),
        }
    }
}
