//! Group normalisation (Wu and He 2018) and layer normalisation (Ba et al. 2016) with frozen scale
//! and shift.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{D, DType, Result, Tensor, bail};

use super::attach::{affine, normalised};
use super::cpu::custom::{apply, is_served};
use super::cpu::functions::{sum, sum2};
use super::cpu::rows::{Rows, each_row};
use super::cpu::simd::Simd;

/// A layer that brings groups of values to mean 0 and variance 1, then scales and shifts them per
/// channel.
#[derive(Clone, Debug)]
pub struct Norm {
    /// Groups of channels of (B, C, H, W); `None`: a layer norm over the last axis.
    groups: Option<usize>,
    eps: f64,
    weight: Tensor,
    bias: Tensor,
    values: Arc<[Vec<f32>; 2]>,
}

impl Norm {
    /// A group norm over (B, C, H, W): each group has C / `groups` channels. Freezes `weight` and
    /// `bias` (C). Errors when their lengths differ or C is not a multiple of `groups`.
    pub fn group(groups: usize, eps: f64, weight: &Tensor, bias: &Tensor) -> Result<Self> {
        let channels = weight.dims1()?;
        if groups == 0 || channels % groups != 0 {
            bail!("norm: {channels} channels do not divide into {groups} groups");
        }
        Self::new(Some(groups), eps, weight, bias)
    }

    /// A layer norm over the last axis (…, C). Freezes `weight` and `bias` (C). Errors when their
    /// lengths differ.
    pub fn layer(eps: f64, weight: &Tensor, bias: &Tensor) -> Result<Self> {
        Self::new(None, eps, weight, bias)
    }

    fn new(groups: Option<usize>, eps: f64, weight: &Tensor, bias: &Tensor) -> Result<Self> {
        if weight.dims1()? != bias.dims1()? {
            let (weight, bias) = (weight.shape(), bias.shape());
            bail!("norm: weight {weight:?} but bias {bias:?}");
        }
        let frozen = |x: &Tensor| x.detach().to_dtype(DType::F32);
        let (weight, bias) = (frozen(weight)?, frozen(bias)?);
        let values = Arc::new([weight.to_vec1()?, bias.to_vec1()?]);
        Ok(Self {
            groups,
            eps,
            weight,
            bias,
            values,
        })
    }

    /// (B, C, H, W) or (…, C) → the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (channels, segment) = match self.groups {
            Some(_) => (x.dims4()?.1, x.dim(2)? * x.dim(3)?),
            None => (x.dim(D::Minus1)?, 1),
        };
        if channels != self.weight.dims1()? {
            let (want, got) = (self.weight.shape(), x.shape());
            bail!("norm: want {want:?} channels, got {got:?}");
        }
        if !is_served(x) {
            return self.composed(x);
        }
        let length = channels / self.groups.unwrap_or(1) * segment;
        let forward = Normalise {
            eps: self.eps as f32,
            segment,
            values: self.values.clone(),
        };
        let backward = NormaliseBackward(forward.clone());
        apply(
            x,
            x.dims(),
            move |x| Ok(each_row(&forward, length, x, x)),
            move |x, _, gradient| Ok(each_row(&backward, length, x, gradient)),
        )
    }

    /// The same from candle's own operations, for other devices and formats; means are taken in
    /// `f32`, as half precision would lose or overflow them.
    pub(super) fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let wide = x.to_dtype(DType::F32)?;
        let Some(groups) = self.groups else {
            let normed = normalised(&wide, self.eps)?;
            return affine(&normed, &self.weight, &self.bias)?.to_dtype(x.dtype());
        };
        let (batch, channels, height, width) = x.dims4()?;
        let grouped = (batch, groups, channels / groups * height * width);
        let normed = normalised(&wide.reshape(grouped)?, self.eps)?.reshape(x.shape())?;
        let map = |x: &Tensor| x.reshape((1, channels, 1, 1));
        affine(&normed, &map(&self.weight)?, &map(&self.bias)?)?.to_dtype(x.dtype())
    }
}

/// Each row to mean 0 and variance 1, then an affine map per channel. A row holds `segment` values
/// of one channel, then of the next; channels repeat after the last weight.
#[derive(Clone)]
struct Normalise {
    eps: f32,
    segment: usize,
    /// Scale and shift per channel.
    values: Arc<[Vec<f32>; 2]>,
}

impl Normalise {
    /// Mean and 1/√(variance + eps).
    #[inline(always)]
    fn statistics(&self, x: &[f32]) -> (f32, f32) {
        let count = x.len() as f32;
        let mean = sum(x, |x| x) / count;
        let variance = sum(x, |x| (x - mean) * (x - mean)) / count;
        (mean, 1.0 / (variance + self.eps).sqrt())
    }

    /// The channels of row `index` of `length` values.
    #[inline(always)]
    fn channels(&self, index: usize, length: usize) -> Range<usize> {
        let count = length / self.segment;
        let first = index * count % self.values[0].len();
        first..first + count
    }
}

impl Rows for Normalise {
    #[inline(always)]
    fn row<S: Simd>(&self, simd: S, index: usize, x: &[f32], _: &[f32], y: &mut [f32]) {
        let (mean, scale) = self.statistics(x);
        let channels = self.channels(index, x.len());
        let [weight, bias] = &*self.values;
        let (weight, bias) = (&weight[channels.clone()], &bias[channels]);
        if self.segment == 1 {
            for (((x, y), w), b) in x.iter().zip(y).zip(weight).zip(bias) {
                *y = simd.mul_add1((x - mean) * scale, *w, *b);
            }
            return;
        }
        let outputs = y.chunks_exact_mut(self.segment);
        let segments = x.chunks_exact(self.segment).zip(outputs);
        for (((x, y), w), b) in segments.zip(weight).zip(bias) {
            for (x, y) in x.iter().zip(y) {
                *y = simd.mul_add1((x - mean) * scale, *w, *b);
            }
        }
    }
}

/// The gradient of [`Normalise`] from its input and its output's gradient.
struct NormaliseBackward(Normalise);

impl Rows for NormaliseBackward {
    #[inline(always)]
    fn row<S: Simd>(&self, _: S, index: usize, x: &[f32], gradient: &[f32], out: &mut [f32]) {
        let Self(norm) = self;
        let (mean, scale) = norm.statistics(x);
        let weight = &norm.values[0][norm.channels(index, x.len())];
        if norm.segment == 1 {
            for ((out, g), w) in out.iter_mut().zip(gradient).zip(weight) {
                *out = g * w;
            }
        } else {
            let gradients = gradient.chunks_exact(norm.segment);
            let segments = out.chunks_exact_mut(norm.segment).zip(gradients);
            for ((out, g), w) in segments.zip(weight) {
                out.iter_mut().zip(g).for_each(|(out, g)| *out = g * w);
            }
        }
        let count = x.len() as f32;
        let constant = sum(out, |g| g) / count;
        let linear = sum2(out, x, |g, x| g * ((x - mean) * scale)) / count;
        for (out, x) in out.iter_mut().zip(x) {
            *out = scale * (*out - constant - linear * ((x - mean) * scale));
        }
    }
}
