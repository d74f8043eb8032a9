//! Group normalisation (Wu and He 2018) with frozen scale and shift.

use std::sync::Arc;

use candle_core::{DType, Result, Shape, Tensor, bail};

use super::attach::{affine, normalised};
use super::cpu::custom::{Unary, apply, is_served};
use super::cpu::normalise::{Normalise, NormaliseBackward, each_row};

/// A group norm layer over (B, C, H, W): each group of C / `groups` channels is brought to mean 0
/// and variance 1, then scaled and shifted per channel.
#[derive(Clone, Debug)]
pub struct GroupNorm {
    groups: usize,
    eps: f64,
    weight: Tensor,
    bias: Tensor,
    values: Arc<(Vec<f32>, Vec<f32>)>,
}

impl GroupNorm {
    /// Freezes `weight` and `bias` (C). Errors when C is no multiple of `groups`.
    pub fn new(groups: usize, eps: f64, weight: &Tensor, bias: &Tensor) -> Result<Self> {
        let channels = weight.dims1()?;
        if groups == 0 || channels % groups != 0 || bias.dims1()? != channels {
            bail!(
                "group norm: {groups} groups, weight {channels}, bias {:?}",
                bias.shape()
            );
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

    /// (B, C, H, W) → the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let channels = x.dims4()?.1;
        if channels != self.weight.dims1()? {
            bail!(
                "group norm: want {:?} channels, got {:?}",
                self.weight.shape(),
                x.shape()
            );
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
        let (batch, channels, height, width) = x.dims4()?;
        let grouped = (batch, self.groups, channels / self.groups * height * width);
        let per_channel = (1, channels, 1, 1);
        let wide = x.to_dtype(DType::F32)?.reshape(grouped)?;
        let normed = normalised(&wide, self.eps)?.reshape(x.shape())?;
        let (weight, bias) = (
            self.weight.reshape(per_channel)?,
            self.bias.reshape(per_channel)?,
        );
        affine(&normed, &weight, &bias)?.to_dtype(x.dtype())
    }

    fn rows(&self, dims: &[usize]) -> (Normalise<'_>, usize) {
        let segment: usize = dims[2..].iter().product();
        let (weight, bias) = (&self.values.0, &self.values.1);
        let rows = Normalise {
            eps: self.eps as f32,
            segment,
            weight,
            bias,
        };
        (rows, dims[1] / self.groups * segment)
    }
}

impl Unary for GroupNorm {
    const NAME: &'static str = "group norm";

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

    #[test]
    fn gradients() {
        let norm = GroupNorm::new(2, 1e-5, &normal(1, &[6]), &normal(2, &[6])).unwrap();
        let x = normal(3, &[2, 6, 4, 5]);
        check(&x, 1e-3, |x| GroupNorm::forward(&norm, x));
        check(&x, 1e-3, |x| GroupNorm::forward(&norm, x)? * x);
    }

    #[test]
    fn agrees_with_the_composed_form() {
        let norm = GroupNorm::new(3, 1e-5, &normal(1, &[12]), &normal(2, &[12])).unwrap();
        let x = (normal(3, &[2, 12, 7, 9]) + 3.0).unwrap();
        let far = (GroupNorm::forward(&norm, &x).unwrap() - norm.composed(&x).unwrap()).unwrap();
        let far = far.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
        assert!(far.to_scalar::<f32>().unwrap() < 1e-5);
    }
}
