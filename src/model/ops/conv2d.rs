//! Two-dimensional convolution (cross-correlation, zero padding) with frozen weights.

use candle_core::{Result, Tensor, bail};

/// A convolution layer. Weight (O, I, k, k), bias (O), one stride and padding for both axes.
#[derive(Clone, Debug)]
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    stride: usize,
    padding: usize,
}

impl Conv2d {
    /// Freezes `weight` (O, I, k, k) and `bias` (O). Errors on any other shape or a zero stride.
    pub fn new(
        weight: &Tensor,
        bias: Option<&Tensor>,
        stride: usize,
        padding: usize,
    ) -> Result<Self> {
        let (out_channels, _, height, width) = weight.dims4()?;
        if height != width || stride == 0 {
            bail!(
                "conv2d: want a square kernel and a stride, got {:?} and {stride}",
                weight.shape()
            );
        }
        if let Some(bias) = bias {
            let length = bias.dims1()?;
            if length != out_channels {
                bail!("conv2d: {out_channels} output channels but a bias of {length}");
            }
        }
        let bias = bias
            .map(|b| b.detach().reshape((1, out_channels, 1, 1)))
            .transpose()?;
        Ok(Self {
            weight: weight.detach(),
            bias,
            stride,
            padding,
        })
    }

    /// (B, I, H, W) → (B, O, H', W'), H' = (H + 2·padding − k) / stride + 1.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.pad(&self.pad(x, 2)?, 3)?;
        let y = x.conv2d(&self.weight, 0, self.stride, 1, 1)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }

    /// Zeros on both ends of `axis`, less what no window reaches: candle's convolution gradient
    /// fails on unequal remainders.
    fn pad(&self, x: &Tensor, axis: usize) -> Result<Tensor> {
        let (kernel, length) = (self.weight.dim(3)?, x.dim(axis)? + 2 * self.padding);
        if length < kernel {
            bail!(
                "conv2d: {:?} is smaller than the kernel, {kernel}×{kernel}",
                x.shape()
            );
        }
        let unused = (length - kernel) % self.stride;
        let padded = x.pad_with_zeros(axis, self.padding, self.padding)?;
        padded.narrow(axis, 0, length - unused)?.contiguous()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};

    #[test]
    fn gradients() {
        // (input channels, output channels, kernel, stride, padding, height, width)
        let shapes = [
            (3, 5, 3, 1, 1, 7, 9),
            (16, 24, 3, 1, 1, 12, 20),
            (5, 7, 3, 2, 1, 9, 12),
            (4, 6, 3, 2, 0, 11, 8),
            (6, 3, 1, 1, 0, 5, 6),
        ];
        for (inputs, outputs, kernel, stride, padding, height, width) in shapes {
            let weight = normal(1, &[outputs, inputs, kernel, kernel]);
            let conv = Conv2d::new(&weight, Some(&normal(2, &[outputs])), stride, padding).unwrap();
            let x = normal(3, &[2, inputs, height, width]);
            check(&x, 1e-2, |x| conv.forward(x));
            check(&x, 1e-2, |x| {
                conv.forward(&(conv.forward(x)?.sum_all()?.broadcast_mul(x)? + x)?)
            });
        }
    }
}
