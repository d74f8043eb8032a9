//! Layer normalisation (Ba et al. 2016) with frozen scale and shift.

use std::sync::Arc;

use candle_core::{D, DType, Result, Shape, Tensor, bail};

use super::attach::{affine, normalised};
use super::cpu::custom::{Unary, apply, is_served};
use super::cpu::normalise::{Normalise, NormaliseBackward, each_row};

/// A layer norm over the last axis.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    eps: f64,
    weight: Tensor,
    bias: Tensor,
    values: Arc<(Vec<f32>, Vec<f32>)>,
}

impl LayerNorm {
    /// Freezes `weight` and `bias` (C). Errors when their lengths differ.
    pub fn new(eps: f64, weight: &Tensor, bias: &Tensor) -> Result<Self> {
        if weight.dims1()? != bias.dims1()? {
            bail!(
                "layer norm: weight {:?} but bias {:?}",
                weight.shape(),
                bias.shape()
            );
        }
        let frozen = |x: &Tensor| x.detach().to_dtype(DType::F32);
        let (weight, bias) = (frozen(weight)?, frozen(bias)?);
        let values = Arc::new((weight.to_vec1()?, bias.to_vec1()?));
        Ok(Self {
            eps,
            weight,
            bias,
            values,
        })
    }

    /// (…, C) → the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        if x.dim(D::Minus1)? != self.weight.dims1()? {
            bail!(
                "layer norm: want {:?} at the end, got {:?}",
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
    /// `f32`, as half precision would lose them.
    fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let wide = x.to_dtype(DType::F32)?;
        let normed = normalised(&wide, self.eps)?;
        affine(&normed, &self.weight, &self.bias)?.to_dtype(x.dtype())
    }

    fn rows(&self) -> Normalise<'_> {
        let (weight, bias) = (&self.values.0, &self.values.1);
        Normalise {
            eps: self.eps as f32,
            segment: 1,
            weight,
            bias,
        }
    }
}

impl Unary for LayerNorm {
    const NAME: &'static str = "layer norm";

    fn forward(&self, x: &[f32], dims: &[usize]) -> Result<(Vec<f32>, Shape)> {
        Ok((
            each_row(self.rows(), self.values.0.len(), x, x),
            Shape::from(dims),
        ))
    }

    fn backward(&self, x: &[f32], _: &[f32], gradient: &[f32], _: &[usize]) -> Result<Vec<f32>> {
        Ok(each_row(
            NormaliseBackward(self.rows()),
            self.values.0.len(),
            x,
            gradient,
        ))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};

    #[test]
    fn gradients() {
        let norm = LayerNorm::new(1e-5, &normal(1, &[10]), &normal(2, &[10])).unwrap();
        let x = normal(3, &[2, 3, 10]);
        check(&x, 1e-3, |x| LayerNorm::forward(&norm, x));
        check(&x, 1e-3, |x| LayerNorm::forward(&norm, x)? * x);
    }

    #[test]
    fn agrees_with_the_composed_form() {
        let norm = LayerNorm::new(1e-5, &normal(1, &[45]), &normal(2, &[45])).unwrap();
        let x = (normal(3, &[2, 5, 45]) + 3.0).unwrap();
        let far = (LayerNorm::forward(&norm, &x).unwrap() - norm.composed(&x).unwrap()).unwrap();
        let far = far.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
        assert!(far.to_scalar::<f32>().unwrap() < 1e-5);
    }
}
