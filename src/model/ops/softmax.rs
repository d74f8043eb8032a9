//! Softmax over the last axis.

use candle_core::{D, Result, Tensor};

/// exp(x − max) / Σ exp(x − max) over the last axis, any leading shape.
pub fn softmax_last(x: &Tensor) -> Result<Tensor> {
    candle_nn::ops::softmax(x, D::Minus1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};

    #[test]
    fn gradients() {
        let x = normal(1, &[2, 3, 9]);
        check(&x, 1e-3, softmax_last);
        check(&x, 1e-3, |x| softmax_last(x)? * x);
    }
}
