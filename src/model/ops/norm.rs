//! Group normalisation (Wu and He 2018) and layer normalisation (Ba et al. 2016) with frozen scale
//! and shift.

use std::sync::Arc;

use candle_core::{D, DType, Result, Shape, Tensor, bail};

use super::attach::{affine, normalised};
use super::cpu::custom::{Unary, apply, is_served};
use super::cpu::normalise::{Normalise, NormaliseBackward, each_row};

/// A layer that brings groups of values to mean 0 and variance 1, then scales and shifts them per
/// channel.
#[derive(Clone, Debug)]
pub struct Norm {
    /// Groups of channels of (B, C, H, W); `None`: a layer norm over the last axis.
    groups: Option<usize>,
    eps: f64,
    weight: Tensor,
    bias: Tensor,
    values: Arc<(Vec<f32>, Vec<f32>)>,
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
        let values = Arc::new((weight.to_vec1()?, bias.to_vec1()?));
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
        let channels = match self.groups {
            Some(_) => x.dims4()?.1,
            None => x.dim(D::Minus1)?,
        };
        if channels != self.weight.dims1()? {
            let (want, got) = (self.weight.shape(), x.shape());
            bail!("norm: want {want:?} channels, got {got:?}");
        }
        if is_served(x) {
            apply(x, self.clone())
        } else {
            self.composed(x)
        }
    }

    /// The same from candle's own operations, for other devices and formats; means are taken in
    /// `f32`, as half precision would lose or overflow them.
    fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let wide = x.to_dtype(DType::F32)?;
        let Some(groups) = self.groups else {
            let normed = normalised(&wide, self.eps)?;
            return affine(&normed, &self.weight, &self.bias)?.to_dtype(x.dtype());
        };
        let (batch, channels, height, width) = x.dims4()?;
        let grouped = (batch, groups, channels / groups * height * width);
        let normed = normalised(&wide.reshape(grouped)?, self.eps)?.reshape(x.shape())?;
        let per_channel = (1, channels, 1, 1);
        let (weight, bias) = (
            self.weight.reshape(per_channel)?,
            self.bias.reshape(per_channel)?,
        );
        affine(&normed, &weight, &bias)?.to_dtype(x.dtype())
    }

    /// The kernel, and the number of values that are normalised together.
    fn rows(&self, dims: &[usize]) -> (Normalise<'_>, usize) {
        let (weight, bias) = (&self.values.0, &self.values.1);
        let (segment, length) = match self.groups {
            Some(groups) => {
                let plane = dims[2..].iter().product();
                (plane, dims[1] / groups * plane)
            }
            None => (1, weight.len()),
        };
        let rows = Normalise {
            eps: self.eps as f32,
            segment,
            weight,
            bias,
        };
        (rows, length)
    }
}

impl Unary for Norm {
    const NAME: &'static str = "norm";

    fn forward(&self, x: &[f32], dims: &[usize]) -> Result<(Vec<f32>, Shape)> {
        let (rows, length) = self.rows(dims);
        Ok((each_row(rows, length, x, x), Shape::from(dims)))
    }

    fn backward(&self, x: &[f32], _: &[f32], gradient: &[f32], dims: &[usize]) -> Result<Vec<f32>> {
        let (rows, length) = self.rows(dims);
        Ok(each_row(NormaliseBackward(rows), length, x, gradient))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};

    /// Norms of `channels` and an input for each.
    fn cases(channels: usize, groups: usize) -> [(Norm, Tensor); 2] {
        let (weight, bias) = (normal(1, &[channels]), normal(2, &[channels]));
        [
            (
                Norm::group(groups, 1e-5, &weight, &bias).unwrap(),
                normal(3, &[2, channels, 4, 5]),
            ),
            (
                Norm::layer(1e-5, &weight, &bias).unwrap(),
                normal(3, &[2, 3, channels]),
            ),
        ]
    }

    #[test]
    fn gradients_agree_with_differences() {
        for (norm, x) in cases(6, 2) {
            check(&x, 1e-3, |x| Norm::forward(&norm, x));
            check(&x, 1e-3, |x| Norm::forward(&norm, x)? * x);
        }
    }

    #[test]
    fn kernel_agrees_with_the_composed_form() {
        for (norm, x) in cases(45, 3) {
            let x = (x + 3.0).unwrap();
            let far = (Norm::forward(&norm, &x).unwrap() - norm.composed(&x).unwrap()).unwrap();
            let far = far.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            assert!(far.to_scalar::<f32>().unwrap() < 1e-5);
        }
    }
}
