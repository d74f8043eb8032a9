//! The 3×3 stride-2 maximum pooling of SqueezeNet.

// Zips of four slices are not inlined, and then neither compiled for the better instruction set.
#![allow(clippy::needless_range_loop)]

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu::custom::{apply, is_served};
use super::cpu::simd::{Kernel, Simd, dispatch};

/// Maximum over 3×3 windows at stride 2, no padding, ceil mode (a window may hang over the far
/// edge): (B, C, H, W) → (B, C, ⌈(H−3)/2⌉+1, ⌈(W−3)/2⌉+1). Errors on sides under 3. The gradient
/// goes to the first of equal maxima.
pub fn max_pool3s2_ceil(x: &Tensor) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    if height < 3 || width < 3 {
        bail!("maximum pooling by 3: side under 3 in {:?}", x.shape());
    }
    if !is_served(x) {
        return composed(x);
    }
    let (rows, columns) = (windows(height), windows(width));
    let (plane, small) = (height * width, rows * columns);
    let forward = move |x: &[f32]| {
        let mut y = vec![0f32; batch * channels * small];
        let planes = x.par_chunks(plane).zip(y.par_chunks_mut(small));
        planes.for_each(|(x, y)| dispatch(Maxima(x, y, width, columns)));
        Ok(y)
    };
    let backward = move |x: &[f32], y: &[f32], gradient: &[f32]| {
        let mut result = vec![0f32; x.len()];
        let planes = result.par_chunks_mut(plane).zip(x.par_chunks(plane));
        let outputs = y.par_chunks(small).zip(gradient.par_chunks(small));
        planes
            .zip(outputs)
            .for_each(|((result, x), (y, gradient))| {
                dispatch(Back(x, y, gradient, result, width));
            });
        Ok(result)
    };
    apply(x, (batch, channels, rows, columns), forward, backward)
}

/// Windows of 3 at stride 2 along a side, the last one perhaps hanging over.
fn windows(side: usize) -> usize {
    (side - 3).div_ceil(2) + 1
}

/// A row with its even and odd columns apart, each of `columns + 1` (filled up with −∞): window c
/// covers even c, odd c and even c + 1.
struct Parted {
    even: Vec<f32>,
    odd: Vec<f32>,
}

impl Parted {
    fn new(columns: usize) -> Self {
        let none = vec![f32::NEG_INFINITY; columns + 1];
        Self {
            even: none.clone(),
            odd: none,
        }
    }

    #[inline(always)]
    fn fill(&mut self, line: &[f32]) {
        let (pairs, rest) = line.as_chunks::<2>();
        for ((even, odd), pair) in self.even.iter_mut().zip(&mut self.odd).zip(pairs) {
            (*even, *odd) = (pair[0], pair[1]);
        }
        if let [last] = rest {
            self.even[pairs.len()] = *last;
        }
    }
}

/// A plane, its maxima, the width of the plane and that of the maxima.
struct Maxima<'a>(&'a [f32], &'a mut [f32], usize, usize);

impl Kernel for Maxima<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self(x, y, width, columns) = self;
        let mut parted = Parted::new(columns);
        let mut tallest = vec![0f32; width];
        for (row, y) in y.chunks_exact_mut(columns).enumerate() {
            tallest.fill(f32::NEG_INFINITY);
            for line in x.chunks_exact(width).skip(2 * row).take(3) {
                for (tallest, x) in tallest.iter_mut().zip(line) {
                    *tallest = if *x > *tallest { *x } else { *tallest };
                }
            }
            parted.fill(&tallest);
            let (even, odd) = (&parted.even[..=y.len()], &parted.odd[..y.len()]);
            for c in 0..y.len() {
                let pair = if odd[c] > even[c] { odd[c] } else { even[c] };
                let next = even[c + 1];
                y[c] = if next > pair { next } else { pair };
            }
        }
    }
}

/// A plane, its maxima, their gradient, the plane's gradient to be written, and the plane's width.
struct Back<'a>(&'a [f32], &'a [f32], &'a [f32], &'a mut [f32], usize);

impl Kernel for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self(x, y, gradient, result, width) = self;
        let columns = windows(width);
        let mut parted = Parted::new(columns);
        let (mut even, mut odd) = (vec![0f32; columns + 1], vec![0f32; columns]);
        let mut left = vec![0f32; columns];
        let windows = y.chunks_exact(columns).zip(gradient.chunks_exact(columns));
        for (row, (y, gradient)) in windows.enumerate() {
            left.copy_from_slice(gradient);
            let lines = x.chunks_exact(width).zip(result.chunks_exact_mut(width));
            for (x, result) in lines.skip(2 * row).take(3) {
                parted.fill(x);
                even.fill(0.0);
                odd.fill(0.0);
                let first = &mut even[..columns];
                claim(&parted.even[..columns], y, &mut left, first);
                claim(&parted.odd[..columns], y, &mut left, &mut odd);
                claim(&parted.even[1..], y, &mut left, &mut even[1..]);
                let mut pairs = result.chunks_exact_mut(2);
                for ((pair, even), odd) in (&mut pairs).zip(&even).zip(&odd) {
                    pair[0] += even;
                    pair[1] += odd;
                }
                if let [last] = pairs.into_remainder() {
                    *last += even[width / 2];
                }
            }
        }
    }
}

/// Where `x` is the maximum `y`, moves the rest of the gradient, `left`, to `result`.
#[inline(always)]
fn claim(x: &[f32], y: &[f32], left: &mut [f32], result: &mut [f32]) {
    let (x, left, result) = (&x[..y.len()], &mut left[..y.len()], &mut result[..y.len()]);
    for c in 0..y.len() {
        let here = x[c] == y[c];
        result[c] += if here { left[c] } else { 0.0 };
        left[c] = if here { 0.0 } else { left[c] };
    }
}

/// The same from candle's own operations, for other devices.
pub(super) fn composed(x: &Tensor) -> Result<Tensor> {
    max_along(&max_along(x, 2)?, 3)
}

/// Maximum over windows of 3 at stride 2 along `axis`, ceil mode.
fn max_along(x: &Tensor, axis: usize) -> Result<Tensor> {
    let length = x.dim(axis)?;
    let windows = windows(length);
    let mut edge = x.dims().to_vec();
    edge[axis] = 2 * windows + 2 - length;
    let edge = Tensor::full(f32::MIN, edge, x.device())?;
    let padded = Tensor::cat(&[x, &edge], axis)?;
    let mut pairs = x.dims().to_vec();
    pairs[axis] = windows;
    pairs.insert(axis + 1, 2);
    let every_second = |first: usize| -> Result<Tensor> {
        let from = padded.narrow(axis, first, 2 * windows)?.contiguous()?;
        let pairs = from.reshape(pairs.as_slice())?;
        pairs.narrow(axis + 1, 0, 1)?.squeeze(axis + 1)
    };
    let two = every_second(0)?.maximum(&every_second(1)?)?;
    two.maximum(&every_second(2)?)
}
