//! Pointwise activations.

use candle_core::{Result, Shape, Tensor};
use rayon::prelude::*;

use super::cpu::custom::{Unary, apply, is_served};
use super::cpu::functions::{erf, exp, sigmoid};
use super::cpu::simd::{Kernel, Simd, dispatch};

/// x·σ(x), any shape.
pub fn silu(x: &Tensor) -> Result<Tensor> {
    if is_served(x) {
        apply(x, Pointwise(Silu))
    } else {
        x.silu()
    }
}

/// max(x, 0), any shape; the gradient at 0 is 0.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    if is_served(x) {
        apply(x, Pointwise(Relu))
    } else {
        x.relu()
    }
}

/// x·Φ(x) with the exact normal distribution function (not the tanh approximation), any shape.
pub fn gelu_erf(x: &Tensor) -> Result<Tensor> {
    if is_served(x) {
        apply(x, Pointwise(Gelu))
    } else {
        x.gelu_erf()
    }
}

/// Values per parallel task.
const CHUNK: usize = 1 << 15;

/// A function of one number and its derivative.
trait Function: Copy + Send + Sync + 'static {
    const NAME: &'static str;

    fn value<S: Simd>(self, simd: S, x: f32) -> f32;

    /// The derivative at `x`, where the value is `y`.
    fn slope<S: Simd>(self, simd: S, x: f32, y: f32) -> f32;
}

#[derive(Clone, Copy)]
struct Silu;

impl Function for Silu {
    const NAME: &'static str = "silu";

    #[inline(always)]
    fn value<S: Simd>(self, simd: S, x: f32) -> f32 {
        x * sigmoid(simd, x)
    }

    #[inline(always)]
    fn slope<S: Simd>(self, simd: S, x: f32, y: f32) -> f32 {
        let s = sigmoid(simd, x);
        simd.mul_add1(y, 1.0 - s, s)
    }
}

#[derive(Clone, Copy)]
struct Relu;

impl Function for Relu {
    const NAME: &'static str = "relu";

    #[inline(always)]
    fn value<S: Simd>(self, _: S, x: f32) -> f32 {
        if x > 0.0 { x } else { 0.0 }
    }

    #[inline(always)]
    fn slope<S: Simd>(self, _: S, _: f32, y: f32) -> f32 {
        if y > 0.0 { 1.0 } else { 0.0 }
    }
}

#[derive(Clone, Copy)]
struct Gelu;

impl Function for Gelu {
    const NAME: &'static str = "gelu";

    #[inline(always)]
    fn value<S: Simd>(self, simd: S, x: f32) -> f32 {
        0.5 * x * (1.0 + erf(simd, x * std::f32::consts::FRAC_1_SQRT_2))
    }

    #[inline(always)]
    fn slope<S: Simd>(self, simd: S, x: f32, _: f32) -> f32 {
        let below = 0.5 * (1.0 + erf(simd, x * std::f32::consts::FRAC_1_SQRT_2));
        let density = 0.398_942_3 * exp(simd, -0.5 * x * x);
        simd.mul_add1(x, density, below)
    }
}

/// The function as an operation.
struct Pointwise<F>(F);

impl<F: Function> Unary for Pointwise<F> {
    const NAME: &'static str = F::NAME;

    fn forward(&self, x: &[f32], dims: &[usize]) -> Result<(Vec<f32>, Shape)> {
        let mut y = vec![0f32; x.len()];
        let pieces = x.par_chunks(CHUNK).zip(y.par_chunks_mut(CHUNK));
        pieces.for_each(|(x, y)| {
            dispatch(Values {
                function: self.0,
                x,
                y,
            });
        });
        Ok((y, Shape::from(dims)))
    }

    fn backward(&self, x: &[f32], y: &[f32], gradient: &[f32], _: &[usize]) -> Result<Vec<f32>> {
        let mut result = gradient.to_vec();
        let pieces = x.par_chunks(CHUNK).zip(y.par_chunks(CHUNK));
        let pieces = pieces.zip(result.par_chunks_mut(CHUNK));
        pieces.for_each(|((x, y), gradient)| {
            dispatch(Slopes {
                function: self.0,
                x,
                y,
                gradient,
            });
        });
        Ok(result)
    }
}

struct Values<'a, F> {
    function: F,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl<F: Function> Kernel for Values<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { function, x, y } = self;
        for (x, y) in x.iter().zip(y) {
            *y = function.value(simd, *x);
        }
    }
}

/// Multiplies `gradient` by the slopes.
struct Slopes<'a, F> {
    function: F,
    x: &'a [f32],
    y: &'a [f32],
    gradient: &'a mut [f32],
}

impl<F: Function> Kernel for Slopes<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self {
            function,
            x,
            y,
            gradient,
        } = self;
        for ((x, y), gradient) in x.iter().zip(y).zip(gradient) {
            *gradient *= function.slope(simd, *x, *y);
        }
    }
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
    fn agrees_with_the_composed_form() {
        let x = (normal(1, &[3, 50_000]) * 4.0).unwrap();
        let far = |a: Tensor, b: Tensor| {
            let difference = (a - b).unwrap().abs().unwrap().flatten_all().unwrap();
            difference.max(0).unwrap().to_scalar::<f32>().unwrap()
        };
        assert!(far(silu(&x).unwrap(), x.silu().unwrap()) < 2e-6);
        assert!(far(gelu_erf(&x).unwrap(), x.gelu_erf().unwrap()) < 5e-6);
        assert_eq!(far(relu(&x).unwrap(), x.relu().unwrap()), 0.0);
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
