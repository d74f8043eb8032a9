//! Layer normalisation (Ba et al. 2016) with frozen scale and shift.

use candle_core::{D, Result, Tensor, bail};

/// A layer norm over the last axis.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    eps: f64,
    weight: Tensor,
    bias: Tensor,
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
        Ok(Self {
            eps,
            weight: weight.detach(),
            bias: bias.detach(),
        })
    }

    /// (…, C) → the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        centred
            .broadcast_div(&(variance + self.eps)?.sqrt()?)?
            .broadcast_mul(&self.weight)?
            .broadcast_add(&self.bias)
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
        check(&x, 1e-3, |x| norm.forward(x));
        check(&x, 1e-3, |x| norm.forward(x)? * x);
    }
}
