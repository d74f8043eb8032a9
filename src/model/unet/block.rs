//! One level of the UNet: its resnets, its transformers and its change of grid.

use candle_core::Tensor;

use super::Told;
use super::resnet::Resnet;
use super::transformer::{Size, Transformer};
use crate::model::ModelError;
use crate::model::ops::Conv2d;
use crate::model::profile::UNetForm;
use crate::model::scope::Scope;

/// Resnets, each with its transformer where the level has them.
#[derive(Debug)]
pub(super) struct Block {
    resnets: Vec<Resnet>,
    attentions: Vec<Transformer>,
    /// Halves or doubles the grid after the last resnet.
    pub(super) resample: Option<Conv2d>,
}

/// How a block changes the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grid {
    Halve,
    Double,
    Keep,
}

impl Block {
    /// Resnets with these (in, out) channels and transformers of `heads` heads (0: none) behind
    /// the first `attended` of them.
    pub(super) fn new(
        form: &UNetForm,
        channels: &[(usize, usize)],
        (heads, attended): (usize, usize),
        grid: Grid,
        scope: &Scope<'_>,
    ) -> Result<Self, ModelError> {
        let outputs = channels.last().map_or(0, |&(_, outputs)| outputs);
        let resnets = channels
            .iter()
            .enumerate()
            .map(|(j, &pair)| Resnet::new(form, pair, &scope.sub("resnets").sub(j)))
            .collect::<Result<_, _>>()?;
        let size = form.attention.as_ref().filter(|_| heads > 0).map(|a| Size {
            channels: outputs,
            heads,
            context: a.context,
            groups: form.norm_groups.unwrap_or(1),
        });
        let attentions = size
            .into_iter()
            .flat_map(|size| (0..attended).map(move |j| (size, j)))
            .map(|(size, j)| Transformer::new(size, &scope.sub("attentions").sub(j)))
            .collect::<Result<_, _>>()?;
        let resampler = |name, stride| {
            let scope = scope.sub(name).sub(0).sub("conv");
            scope.conv((outputs, outputs), 3, stride, true).map(Some)
        };
        let resample = match grid {
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

    /// Resnet `j` and the transformer behind it, if there is one.
    pub(super) fn layer(
        &self,
        j: usize,
        x: &Tensor,
        told: &Told<'_>,
    ) -> Result<Tensor, ModelError> {
        let mut x = x.clone();
        if let Some(resnet) = self.resnets.get(j) {
            x = resnet.forward(&x, told)?;
        }
        match self.attentions.get(j) {
            Some(transformer) => transformer.forward(&x, told.prompt),
            None => Ok(x),
        }
    }
}
