//! Group normalisation (Wu and He 2018) with frozen scale and shift.

use candle_core::{D, Result, Tensor, bail};

/// A group norm layer over (B, C, …): each group of C / `groups` channels is brought to mean 0 and
/// variance 1, then scaled and shifted per channel.
#[derive(Clone, Debug)]
pub struct GroupNorm {
    groups: usize,
    eps: f64,
    weight: Tensor,
    bias: Tensor,
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
        Ok(Self {
            groups,
            eps,
            weight: weight.detach(),
            bias: bias.detach(),
        })
    }

    /// (B, C, H, W) → the same shape.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, channels, height, width) = x.dims4()?;
        if channels != self.weight.dims1()? {
            bail!(
                "group norm: want {:?} channels, got {:?}",
                self.weight.shape(),
                x.shape()
            );
        }
        let grouped = x.reshape((batch, self.groups, channels / self.groups * height * width))?;
        let centred = grouped.broadcast_sub(&grouped.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let normed = centred
            .broadcast_div(&(variance + self.eps)?.sqrt()?)?
            .reshape(x.shape())?;
        let per_channel = (1, channels, 1, 1);
        normed
            .broadcast_mul(&self.weight.reshape(per_channel)?)?
            .broadcast_add(&self.bias.reshape(per_channel)?)
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
        check(&x, 1e-3, |x| norm.forward(x));
        check(&x, 1e-3, |x| norm.forward(x)? * x);
    }
}
