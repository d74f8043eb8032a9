//! Layers by name: a node in the tree of tensor names, from which a network makes its layers.
//! Knows the layer types and the names of their tensors, but no network.

use std::fmt::Display;

use candle_core::{Device, Tensor};

use super::ModelError;
use super::ops::{Conv2d, Linear, Norm, ResidualBlock};
use super::weights::Source;

/// A node in the tree of tensor names.
#[derive(Clone)]
pub struct Scope<'a> {
    source: &'a dyn Source,
    prefix: String,
}

impl<'a> Scope<'a> {
    /// The root of `source`'s names.
    pub fn root(source: &'a dyn Source) -> Self {
        Self {
            source,
            prefix: String::new(),
        }
    }

    /// The child `name` of this node.
    pub fn sub(&self, name: impl Display) -> Self {
        Self {
            source: self.source,
            prefix: format!("{}{name}.", self.prefix),
        }
    }

    /// A square convolution (inputs, outputs), padded so that odd kernels keep the grid.
    pub fn conv(
        &self,
        (inputs, outputs): (usize, usize),
        kernel: usize,
        stride: usize,
        bias: bool,
    ) -> Result<Conv2d, ModelError> {
        let weight = self.tensor("weight", &[outputs, inputs, kernel, kernel])?;
        let bias = self.bias(outputs, bias)?;
        Ok(Conv2d::new(&weight, bias.as_ref(), stride, kernel / 2)?)
    }

    /// A 3×3 convolution with stride 1 and bias.
    pub fn conv3(&self, inputs: usize, outputs: usize) -> Result<Conv2d, ModelError> {
        self.conv((inputs, outputs), 3, 1, true)
    }

    /// A 1×1 convolution with bias.
    pub fn conv1(&self, inputs: usize, outputs: usize) -> Result<Conv2d, ModelError> {
        self.conv((inputs, outputs), 1, 1, true)
    }

    /// A linear layer.
    pub fn linear(&self, inputs: usize, outputs: usize, bias: bool) -> Result<Linear, ModelError> {
        let weight = self.tensor("weight", &[outputs, inputs])?;
        let bias = self.bias(outputs, bias)?;
        Ok(Linear::new(&weight, bias.as_ref())?)
    }

    /// relu(conv(… relu(conv(x))) + x) of `count` 3×3 convolutions `convs.0`, `convs.1`, …
    pub fn residual_block(
        &self,
        channels: usize,
        count: usize,
    ) -> Result<ResidualBlock, ModelError> {
        let convs = self.sub("convs");
        let convs = (0..count).map(|i| convs.sub(i).conv3(channels, channels));
        Ok(ResidualBlock::new(convs.collect::<Result<_, _>>()?)?)
    }

    /// A group norm with scale and shift.
    pub fn group_norm(&self, channels: usize, groups: usize, eps: f64) -> Result<Norm, ModelError> {
        let [weight, bias] = self.scale_and_shift(channels)?;
        Ok(Norm::group(groups, eps, &weight, &bias)?)
    }

    /// A layer norm with scale and shift.
    pub fn layer_norm(&self, channels: usize, eps: f64) -> Result<Norm, ModelError> {
        let [weight, bias] = self.scale_and_shift(channels)?;
        Ok(Norm::layer(eps, &weight, &bias)?)
    }

    /// Device of the layers' tensors.
    pub fn device(&self) -> &Device {
        self.source.device()
    }

    fn scale_and_shift(&self, channels: usize) -> Result<[Tensor; 2], ModelError> {
        let bias = self.tensor("bias", &[channels])?;
        Ok([self.tensor("weight", &[channels])?, bias])
    }

    fn bias(&self, outputs: usize, wanted: bool) -> Result<Option<Tensor>, ModelError> {
        wanted.then(|| self.tensor("bias", &[outputs])).transpose()
    }

    /// The tensor `leaf` of this node.
    pub fn tensor(&self, leaf: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let name = format!("{}{leaf}", self.prefix);
        self.source.tensor(&name, shape)
    }
}
