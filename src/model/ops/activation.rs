//! Pointwise activations.

use candle_core::{Result, Tensor};

use super::cpu::custom::{apply, is_served};
use super::cpu::functions::{erf, exp, sigmoid};
use super::cpu::rows::{Rows, each_row};
use super::cpu::simd::Simd;

/// x·σ(x), any shape.
pub fn silu(x: &Tensor) -> Result<Tensor> {
    pointwise(x, Silu, Tensor::silu)
}

/// max(x, 0), any shape; the gradient at 0 is 0.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    pointwise(x, Relu, Tensor::relu)
}

/// x·Φ(x) with the exact normal distribution function (not the tanh approximation), any shape.
pub fn gelu_erf(x: &Tensor) -> Result<Tensor> {
    pointwise(x, Gelu, Tensor::gelu_erf)
}

/// Values per parallel task.
const CHUNK: usize = 1 << 15;

fn pointwise<F: Function>(
    x: &Tensor,
    function: F,
    composed: fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    if !is_served(x) {
        return composed(x);
    }
    apply(
        x,
        x.dims(),
        move |x| Ok(each_row(&Value(function), CHUNK, x, x)),
        move |x, _, gradient| Ok(each_row(&Slope(function), CHUNK, x, gradient)),
    )
}

/// A function of one number and its derivative.
trait Function: Copy + Send + Sync + 'static {
    fn value<S: Simd>(simd: S, x: f32) -> f32;

    fn slope<S: Simd>(simd: S, x: f32) -> f32;
}

/// The values of a function.
struct Value<F>(F);

impl<F: Function> Rows for Value<F> {
    #[inline(always)]
    fn row<S: Simd>(&self, simd: S, _: usize, x: &[f32], _: &[f32], y: &mut [f32]) {
        for (x, y) in x.iter().zip(y) {
            *y = F::value(simd, *x);
        }
    }
}

/// The product of a function's derivative and a gradient.
struct Slope<F>(F);

impl<F: Function> Rows for Slope<F> {
    #[inline(always)]
    fn row<S: Simd>(&self, simd: S, _: usize, x: &[f32], gradient: &[f32], out: &mut [f32]) {
        for ((x, gradient), out) in x.iter().zip(gradient).zip(out) {
            *out = gradient * F::slope(simd, *x);
        }
    }
}

#[derive(Clone, Copy)]
struct Silu;

impl Function for Silu {
    #[inline(always)]
    fn value<S: Simd>(simd: S, x: f32) -> f32 {
        x * sigmoid(simd, x)
    }

    #[inline(always)]
    fn slope<S: Simd>(simd: S, x: f32) -> f32 {
        let s = sigmoid(simd, x);
        simd.mul_add1(x * s, 1.0 - s, s)
    }
}

#[derive(Clone, Copy)]
struct Relu;

impl Function for Relu {
    #[inline(always)]
    fn value<S: Simd>(_: S, x: f32) -> f32 {
        if x > 0.0 { x } else { 0.0 }
    }

    #[inline(always)]
    fn slope<S: Simd>(_: S, x: f32) -> f32 {
        if x > 0.0 { 1.0 } else { 0.0 }
    }
}

#[derive(Clone, Copy)]
struct Gelu;

impl Function for Gelu {
    #[inline(always)]
    fn value<S: Simd>(simd: S, x: f32) -> f32 {
        0.5 * x * (1.0 + erf(simd, x * std::f32::consts::FRAC_1_SQRT_2))
    }

    #[inline(always)]
    fn slope<S: Simd>(simd: S, x: f32) -> f32 {
        let below = 0.5 * (1.0 + erf(simd, x * std::f32::consts::FRAC_1_SQRT_2));
        let density = 0.398_942_3 * exp(simd, -0.5 * x * x);
        simd.mul_add1(x, density, below)
    }
}
