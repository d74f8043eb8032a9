//! Softmax over the last axis.

use candle_core::{D, DType, Result, Shape, Tensor};

use super::cpu::custom::{Unary, apply, is_served};
use super::cpu::normalise::{Softmax, SoftmaxBackward, each_row};

/// exp(x − max) / Σ exp(x − max) over the last axis, any leading shape.
pub fn softmax_last(x: &Tensor) -> Result<Tensor> {
    if is_served(x) {
        apply(x, SoftmaxLast)
    } else if x.device().is_cuda() && !x.track_op() {
        // One kernel, which sums in `f32`; it has no gradient.
        candle_nn::ops::softmax_last_dim(x)
    } else {
        let wide = x.to_dtype(DType::F32)?;
        candle_nn::ops::softmax(&wide, D::Minus1)?.to_dtype(x.dtype())
    }
}

struct SoftmaxLast;

impl Unary for SoftmaxLast {
    const NAME: &'static str = "softmax";

    fn forward(&self, x: &[f32], dims: &[usize]) -> Result<(Vec<f32>, Shape)> {
        Ok((
            each_row(Softmax, dims.last().copied().unwrap_or(1), x, x),
            Shape::from(dims),
        ))
    }

    fn backward(&self, _: &[f32], y: &[f32], gradient: &[f32], dims: &[usize]) -> Result<Vec<f32>> {
        Ok(each_row(
            SoftmaxBackward,
            dims.last().copied().unwrap_or(1),
            y,
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
        let x = normal(1, &[2, 3, 9]);
        check(&x, 1e-3, softmax_last);
        check(&x, 1e-3, |x| softmax_last(x)? * x);
    }

    #[test]
    fn agrees_with_the_composed_form() {
        let x = (normal(1, &[3, 4, 77]) * 20.0).unwrap();
        let expected = candle_nn::ops::softmax(&x, D::Minus1).unwrap();
        let far = (softmax_last(&x).unwrap() - expected)
            .unwrap()
            .abs()
            .unwrap();
        assert!(
            far.flatten_all()
                .unwrap()
                .max(0)
                .unwrap()
                .to_scalar::<f32>()
                .unwrap()
                < 1e-6
        );
    }
}
