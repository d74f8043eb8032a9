//! The transformer of a UNet level: self-attention, cross-attention to the prompt, gated
//! feed-forward. Layers and names are those of diffusers' `Transformer2DModel` with linear
//! projections, as Stable Diffusion 2 uses it.

use candle_core::{D, Tensor};

use crate::model::ModelError;
use crate::model::ops::{Linear, Norm, attention, gelu_erf};
use crate::model::scope::Scope;

const GROUP_EPS: f64 = 1e-6;
const LAYER_EPS: f64 = 1e-5;
/// Width of the feed-forward layer over that of the block.
const EXPANSION: usize = 4;

/// Shape of one transformer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) channels: usize,
    pub(super) heads: usize,
    pub(super) context: usize,
    pub(super) groups: usize,
}

/// Feature map in, feature map of the same shape out.
#[derive(Debug)]
pub(super) struct Transformer {
    norm: Norm,
    proj_in: Linear,
    block: Block,
    proj_out: Linear,
}

impl Transformer {
    pub(super) fn new(size: Size, scope: &Scope<'_>) -> Result<Self, ModelError> {
        let channels = size.channels;
        let norm = scope.sub("norm");
        Ok(Self {
            norm: norm.group_norm(channels, size.groups, GROUP_EPS)?,
            proj_in: scope.sub("proj_in").linear(channels, channels, true)?,
            block: Block::new(size, &scope.sub("transformer_blocks").sub(0))?,
            proj_out: scope.sub("proj_out").linear(channels, channels, true)?,
        })
    }

    /// `x` (B, C, H, W) attends to itself and to the prompt (B, T, D).
    pub(super) fn forward(&self, x: &Tensor, prompt: &Tensor) -> Result<Tensor, ModelError> {
        let (batch, channels, height, width) = x.dims4()?;
        let rows = self.norm.forward(x)?.flatten_from(2)?.transpose(1, 2)?;
        let rows = self.proj_in.forward(&rows.contiguous()?)?;
        let rows = self.proj_out.forward(&self.block.forward(&rows, prompt)?)?;
        let map = rows.transpose(1, 2)?.contiguous()?;
        Ok((map.reshape((batch, channels, height, width))? + x)?)
    }
}

#[derive(Debug)]
struct Block {
    norm1: Norm,
    attn1: Attention,
    norm2: Norm,
    attn2: Attention,
    norm3: Norm,
    gate: Linear,
    out: Linear,
}

impl Block {
    fn new(size: Size, scope: &Scope<'_>) -> Result<Self, ModelError> {
        let channels = size.channels;
        let norm = |name| scope.sub(name).layer_norm(channels, LAYER_EPS);
        let net = scope.sub("ff").sub("net");
        let hidden = EXPANSION * channels;
        Ok(Self {
            norm1: norm("norm1")?,
            attn1: Attention::new(size, channels, &scope.sub("attn1"))?,
            norm2: norm("norm2")?,
            attn2: Attention::new(size, size.context, &scope.sub("attn2"))?,
            norm3: norm("norm3")?,
            gate: net.sub(0).sub("proj").linear(channels, 2 * hidden, true)?,
            out: net.sub(2).linear(hidden, channels, true)?,
        })
    }

    fn forward(&self, x: &Tensor, prompt: &Tensor) -> Result<Tensor, ModelError> {
        let inner = self.norm1.forward(x)?;
        let x = (self.attn1.forward(&inner, &inner)? + x)?;
        let x = (self.attn2.forward(&self.norm2.forward(&x)?, prompt)? + x)?;
        let gated = self.gate.forward(&self.norm3.forward(&x)?)?;
        let half = gated.dim(D::Minus1)? / 2;
        let value = gated.narrow(D::Minus1, 0, half)?.contiguous()?;
        let gate = gated.narrow(D::Minus1, half, half)?.contiguous()?;
        Ok((self.out.forward(&(value * gelu_erf(&gate)?)?)? + x)?)
    }
}

#[derive(Debug)]
struct Attention {
    heads: usize,
    to_q: Linear,
    to_k: Linear,
    to_v: Linear,
    to_out: Linear,
}

impl Attention {
    fn new(size: Size, context: usize, scope: &Scope<'_>) -> Result<Self, ModelError> {
        let channels = size.channels;
        let out = scope.sub("to_out").sub(0);
        Ok(Self {
            heads: size.heads,
            to_q: scope.sub("to_q").linear(channels, channels, false)?,
            to_k: scope.sub("to_k").linear(context, channels, false)?,
            to_v: scope.sub("to_v").linear(context, channels, false)?,
            to_out: out.linear(channels, channels, true)?,
        })
    }

    fn forward(&self, x: &Tensor, context: &Tensor) -> Result<Tensor, ModelError> {
        let q = self.to_q.forward(x)?;
        let k = self.to_k.forward(context)?;
        let v = self.to_v.forward(context)?;
        Ok(self.to_out.forward(&attention(&q, &k, &v, self.heads)?)?)
    }
}
