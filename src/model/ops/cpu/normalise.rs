//! Normalisation of rows, and softmax of rows: what group norm, layer norm and attention share.

use rayon::prelude::*;

use super::functions::{exp, sum, sum2};
use super::simd::{Kernel, Simd, dispatch};

/// Values per parallel task, in whole rows.
const CHUNK: usize = 1 << 14;

/// An operation on rows: `first` and `second` are inputs of one shape, `out` the result.
pub(in crate::model::ops) trait Rows: Copy + Sync {
    /// Row number `index`.
    fn row<S: Simd>(self, simd: S, index: usize, first: &[f32], second: &[f32], out: &mut [f32]);
}

/// Applies `work` to every row of `length` values.
pub(in crate::model::ops) fn each_row(
    work: impl Rows,
    length: usize,
    first: &[f32],
    second: &[f32],
) -> Vec<f32> {
    let mut out = vec![0f32; first.len()];
    if let Some(rows) = CHUNK.checked_div(length) {
        let rows = rows.max(1);
        let chunk = rows * length;
        let pieces = first.par_chunks(chunk).zip(second.par_chunks(chunk));
        pieces.zip(out.par_chunks_mut(chunk)).enumerate().for_each(
            |(index, ((first, second), out))| {
                let start = index * rows;
                dispatch(Chunk {
                    work,
                    length,
                    start,
                    first,
                    second,
                    out,
                });
            },
        );
    }
    out
}

struct Chunk<'a, T> {
    work: T,
    length: usize,
    start: usize,
    first: &'a [f32],
    second: &'a [f32],
    out: &'a mut [f32],
}

impl<T: Rows> Kernel for Chunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let inputs = self
            .first
            .chunks_exact(self.length)
            .zip(self.second.chunks_exact(self.length));
        let rows = inputs.zip(self.out.chunks_exact_mut(self.length));
        for (index, ((first, second), out)) in rows.enumerate() {
            self.work.row(simd, self.start + index, first, second, out);
        }
    }
}

/// Each row to mean 0 and variance 1, then an affine map per channel. A row holds `segment` values
/// of one channel, then of the next; channels repeat after `weight.len()`.
#[derive(Clone, Copy)]
pub(in crate::model::ops) struct Normalise<'a> {
    pub(in crate::model::ops) eps: f32,
    pub(in crate::model::ops) segment: usize,
    pub(in crate::model::ops) weight: &'a [f32],
    pub(in crate::model::ops) bias: &'a [f32],
}

impl Normalise<'_> {
    #[inline(always)]
    fn statistics(&self, x: &[f32]) -> (f32, f32) {
        let count = x.len() as f32;
        let mean = sum(x, |x| x) / count;
        let variance = sum(x, |x| (x - mean) * (x - mean)) / count;
        (mean, 1.0 / (variance + self.eps).sqrt())
    }

    /// The affine map of value `position` of row `index`, for each of the row's channels in turn.
    #[inline(always)]
    fn channels(&self, index: usize, length: usize) -> std::ops::Range<usize> {
        let count = length / self.segment;
        let first = index * count % self.weight.len();
        first..first + count
    }
}

impl Rows for Normalise<'_> {
    #[inline(always)]
    fn row<S: Simd>(self, simd: S, index: usize, x: &[f32], _: &[f32], y: &mut [f32]) {
        let (mean, scale) = self.statistics(x);
        let channels = self.channels(index, x.len());
        let (weight, bias) = (&self.weight[channels.clone()], &self.bias[channels]);
        if self.segment == 1 {
            for (((x, y), w), b) in x.iter().zip(y).zip(weight).zip(bias) {
                *y = simd.mul_add1((x - mean) * scale, *w, *b);
            }
            return;
        }
        let segments = x
            .chunks_exact(self.segment)
            .zip(y.chunks_exact_mut(self.segment));
        for (((x, y), w), b) in segments.zip(weight).zip(bias) {
            for (x, y) in x.iter().zip(y) {
                *y = simd.mul_add1((x - mean) * scale, *w, *b);
            }
        }
    }
}

/// The gradient of [`Normalise`] from its input and its output's gradient.
#[derive(Clone, Copy)]
pub(in crate::model::ops) struct NormaliseBackward<'a>(pub(in crate::model::ops) Normalise<'a>);

impl Rows for NormaliseBackward<'_> {
    #[inline(always)]
    fn row<S: Simd>(self, _: S, index: usize, x: &[f32], gradient: &[f32], out: &mut [f32]) {
        let (mean, scale) = self.0.statistics(x);
        let weight = &self.0.weight[self.0.channels(index, x.len())];
        if self.0.segment == 1 {
            for ((out, g), w) in out.iter_mut().zip(gradient).zip(weight) {
                *out = g * w;
            }
        } else {
            let segments = out
                .chunks_exact_mut(self.0.segment)
                .zip(gradient.chunks_exact(self.0.segment));
            for ((out, g), w) in segments.zip(weight) {
                out.iter_mut().zip(g).for_each(|(out, g)| *out = g * w);
            }
        }
        let count = x.len() as f32;
        let constant = sum(out, |g| g) / count;
        let linear = sum2(out, x, |g, x| g * ((x - mean) * scale)) / count;
        for (out, x) in out.iter_mut().zip(x) {
            *out = scale * (*out - constant - linear * ((x - mean) * scale));
        }
    }
}

/// exp(x − max) / Σ exp(x − max).
#[derive(Clone, Copy)]
pub(in crate::model::ops) struct Softmax;

impl Rows for Softmax {
    #[inline(always)]
    fn row<S: Simd>(self, simd: S, _: usize, x: &[f32], _: &[f32], y: &mut [f32]) {
        let mut highest = [f32::NEG_INFINITY; 16];
        let (whole, rest) = x.as_chunks::<16>();
        for x in whole {
            for lane in 0..16 {
                highest[lane] = if x[lane] > highest[lane] {
                    x[lane]
                } else {
                    highest[lane]
                };
            }
        }
        let highest = highest
            .iter()
            .chain(rest)
            .copied()
            .fold(f32::NEG_INFINITY, f32::max);
        for (x, y) in x.iter().zip(&mut *y) {
            *y = exp(simd, x - highest);
        }
        let scale = 1.0 / sum(y, |y| y);
        y.iter_mut().for_each(|y| *y *= scale);
    }
}

/// The gradient of [`Softmax`] from its output and its output's gradient.
#[derive(Clone, Copy)]
pub(in crate::model::ops) struct SoftmaxBackward;

impl Rows for SoftmaxBackward {
    #[inline(always)]
    fn row<S: Simd>(self, _: S, _: usize, y: &[f32], gradient: &[f32], out: &mut [f32]) {
        let mean = sum2(y, gradient, |y, g| y * g);
        for ((y, g), out) in y.iter().zip(gradient).zip(out) {
            *out = y * (g - mean);
        }
    }
}
