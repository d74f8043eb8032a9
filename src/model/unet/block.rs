//! One level of the UNet: resnets, transformers and the resampling after them.

use candle_core::Tensor;

use super::conditioning::Conditioning;
use super::resnet::Resnet;
use super::transformer::{Size, Transformer};
use crate::model::ModelError;
use crate::model::ops::Conv2d;
use crate::model::profile::UNetForm;
use crate::model::scope::Scope;

/// Resnets, each followed by a transformer where the level has them.
#[derive(Debug)]
pub(super) struct Block {
    resnets: Vec<Resnet>,
    attentions: Vec<Transformer>,
    /// Halves or doubles the grid after the last resnet.
    pub(super) resample: Option<Conv2d>,
}

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
        let resnets = block
            .resnets
            .iter()
            .enumerate()
            .map(|(j, &pair)| Resnet::new(form, pair, &scope.sub("resnets").sub(j)))
            .collect::<Result<_, _>>()?;
        let attention = form.attention.as_ref().filter(|_| block.heads > 0);
        let size = attention.map(|a| Size {
            channels: outputs,
            heads: block.heads,
            context: a.context,
            groups: form.norm_groups.unwrap_or(1),
        });
        let attentions = size
            .into_iter()
            .flat_map(|size| (0..block.transformers).map(move |j| (size, j)))
            .map(|(size, j)| Transformer::new(size, &scope.sub("attentions").sub(j)))
            .collect::<Result<_, _>>()?;
        let resampler = |name, stride| {
            let scope = scope.sub(name).sub(0).sub("conv");
            scope.conv((outputs, outputs), 3, stride, true).map(Some)
        };
        let resample = match block.grid {
            Grid::Halve => resampler("downsamplers", 2)?,
            Grid::Double => resampler("upsamplers", 1)?,
            Grid::Keep => None,
        };
        Ok(Self {
            resnets,
            attentions,
            resample,
        })
    }

    /// Number of resnets.
    pub(super) fn len(&self) -> usize {
        self.resnets.len()
    }

    /// Resnet `j` and the transformer after it, if there is one.
    pub(super) fn layer(
        &self,
        j: usize,
        x: &Tensor,
        conditioning: &Conditioning<'_>,
    ) -> Result<Tensor, ModelError> {
        let mut x = x.clone();
        if let Some(resnet) = self.resnets.get(j) {
            x = resnet.forward(&x, conditioning)?;
        }
        match self.attentions.get(j) {
            Some(transformer) => transformer.forward(&x, conditioning.prompt),
            None => Ok(x),
        }
    }
}
