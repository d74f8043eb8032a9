//! Softmax over the last axis.

use candle_core::{D, DType, Result, Tensor};

use super::cpu::custom::{apply, is_served};
use super::cpu::functions::{exp, sum, sum2};
use super::cpu::rows::{Rows, each_row};
use super::cpu::simd::Simd;

/// exp(x − max) / Σ exp(x − max) over the last axis, any leading shape.
pub fn softmax_last(x: &Tensor) -> Result<Tensor> {
    if is_served(x) {
        let length = x.dims().last().copied().unwrap_or(1);
        return apply(
            x,
            x.dims(),
            move |x| Ok(each_row(&Softmax, length, x, x)),
            move |_, y, gradient| Ok(each_row(&SoftmaxBackward, length, y, gradient)),
        );
    }
    if x.device().is_cuda() && !x.track_op() {
        // One kernel, which sums in `f32`; it has no gradient.
        return candle_nn::ops::softmax_last_dim(x);
    }
    let wide = x.to_dtype(DType::F32)?;
    candle_nn::ops::softmax(&wide, D::Minus1)?.to_dtype(x.dtype())
}

struct Softmax;

impl Rows for Softmax {
    #[inline(always)]
    fn row<S: Simd>(&self, simd: S, _: usize, x: &[f32], _: &[f32], y: &mut [f32]) {
        let mut highest = [f32::NEG_INFINITY; 16];
        let (whole, rest) = x.as_chunks::<16>();
        for x in whole {
            for lane in 0..16 {
                let more = x[lane] > highest[lane];
                highest[lane] = if more { x[lane] } else { highest[lane] };
            }
        }
        let all = highest.iter().chain(rest).copied();
        let highest = all.fold(f32::NEG_INFINITY, f32::max);
        for (x, y) in x.iter().zip(&mut *y) {
            *y = exp(simd, x - highest);
        }
        let scale = 1.0 / sum(y, |y| y);
        y.iter_mut().for_each(|y| *y *= scale);
    }
}

/// The gradient of [`Softmax`] from its output and its output's gradient.
struct SoftmaxBackward;

impl Rows for SoftmaxBackward {
    #[inline(always)]
    fn row<S: Simd>(&self, _: S, _: usize, y: &[f32], gradient: &[f32], out: &mut [f32]) {
        let mean = sum2(y, gradient, |y, g| y * g);
        for ((y, g), out) in y.iter().zip(gradient).zip(out) {
            *out = y * (g - mean);
        }
    }
}
