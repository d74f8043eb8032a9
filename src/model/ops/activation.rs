//! Pointwise activations.

use candle_core::{Result, Tensor};

/// x·σ(x), any shape.
pub fn silu(x: &Tensor) -> Result<Tensor> {
    x.silu()
}

/// max(x, 0), any shape; the gradient at 0 is 0.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    x.relu()
}

/// x·Φ(x) with the exact normal distribution function (not the tanh approximation), any shape.
pub fn gelu_erf(x: &Tensor) -> Result<Tensor> {
    x.gelu_erf()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};

    #[test]
    fn gradients() {
        let x = normal(1, &[2, 5, 37]);
        check(&x, 1e-3, silu);
        let away_from_the_kink = (&x + (x.sign().unwrap() * 0.05).unwrap()).unwrap();
        check(&away_from_the_kink, 1e-3, relu);
        check(&x, 1e-3, gelu_erf);
        check(&x, 1e-3, |x| silu(x)? + gelu_erf(x)?);
    }

    #[test]
    fn known_values() {
        let x = Tensor::new(&[-100f32, -1.0, 0.0, 1.0, 100.0], &candle_core::Device::Cpu).unwrap();
        let close = |y: Tensor, expected: [f32; 5]| {
            let y = y.to_vec1::<f32>().unwrap();
            for (y, expected) in y.iter().zip(expected) {
                assert!((y - expected).abs() < 1e-6, "{y} {expected}");
            }
        };
        close(
            silu(&x).unwrap(),
            [0.0, -0.268_941_43, 0.0, 0.731_058_6, 100.0],
        );
        close(relu(&x).unwrap(), [0.0, 0.0, 0.0, 1.0, 100.0]);
        close(
            gelu_erf(&x).unwrap(),
            [0.0, -0.158_655_26, 0.0, 0.841_344_7, 100.0],
        );
    }
}
