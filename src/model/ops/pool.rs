//! Pooling: 2×2 means, and the 3×3 stride-2 maxima of SqueezeNet.

// Zips of four slices are not inlined, and then neither compiled for the better instruction set.
#![allow(clippy::needless_range_loop)]

use candle_core::{Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::cpu::custom::{Unary, apply, is_served};
use super::cpu::simd::{Kernel, Simd, dispatch};

/// Mean of each 2×2 cell: (B, C, H, W) → (B, C, H/2, W/2). Errors on odd sides.
pub fn avg_pool2(x: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    if height % 2 != 0 || width % 2 != 0 {
        bail!("average pooling by 2: odd side in {:?}", x.shape());
    }
    if is_served(x) {
        apply(x, Mean)
    } else {
        x.avg_pool2d(2)
    }
}

/// Maximum over 3×3 windows at stride 2, no padding, ceil mode (a window may hang over the far
/// edge): (B, C, H, W) → (B, C, ⌈(H−3)/2⌉+1, ⌈(W−3)/2⌉+1). Errors on sides under 3. The gradient
/// goes to the first of equal maxima.
pub fn max_pool3s2_ceil(x: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    if height < 3 || width < 3 {
        bail!("maximum pooling by 3: side under 3 in {:?}", x.shape());
    }
    if is_served(x) {
        apply(x, Maximum)
    } else {
        max_along(&max_along(x, 2)?, 3)
    }
}

struct Mean;

impl Unary for Mean {
    const NAME: &'static str = "average pooling";

    fn forward(&self, x: &[f32], dims: &[usize]) -> Result<(Vec<f32>, Shape)> {
        let mut y = vec![0f32; x.len() / 4];
        let width = dims[3].max(2);
        for (pair, line) in x.chunks_exact(2 * width).zip(y.chunks_exact_mut(width / 2)) {
            let (upper, lower) = pair.split_at(width);
            let cells = upper
                .as_chunks::<2>()
                .0
                .iter()
                .zip(lower.as_chunks::<2>().0);
            for (y, (upper, lower)) in line.iter_mut().zip(cells) {
                *y = 0.25 * (upper[0] + upper[1] + lower[0] + lower[1]);
            }
        }
        Ok((y, Shape::from((dims[0], dims[1], dims[2] / 2, dims[3] / 2))))
    }

    fn backward(&self, x: &[f32], _: &[f32], gradient: &[f32], dims: &[usize]) -> Result<Vec<f32>> {
        let mut result = vec![0f32; x.len()];
        let width = dims[3].max(2);
        for (pair, line) in result
            .chunks_exact_mut(2 * width)
            .zip(gradient.chunks_exact(width / 2))
        {
            let (upper, lower) = pair.split_at_mut(width);
            for (cell, g) in upper.as_chunks_mut::<2>().0.iter_mut().zip(line) {
                *cell = [0.25 * g; 2];
            }
            lower.copy_from_slice(upper);
        }
        Ok(result)
    }
}

struct Maximum;

/// Windows of 3 at stride 2 along a side, the last one perhaps hanging over.
fn windows(side: usize) -> usize {
    (side - 3).div_ceil(2) + 1
}

impl Unary for Maximum {
    const NAME: &'static str = "maximum pooling";

    fn forward(&self, x: &[f32], dims: &[usize]) -> Result<(Vec<f32>, Shape)> {
        let (height, width) = (dims[2], dims[3]);
        let (rows, columns) = (windows(height), windows(width));
        let mut y = vec![0f32; dims[0] * dims[1] * rows * columns];
        let planes = x
            .par_chunks(height * width)
            .zip(y.par_chunks_mut(rows * columns));
        planes.for_each(|(x, y)| {
            dispatch(Maxima {
                x,
                y,
                width,
                columns,
            });
        });
        Ok((y, Shape::from((dims[0], dims[1], rows, columns))))
    }

    fn backward(&self, x: &[f32], y: &[f32], gradient: &[f32], dims: &[usize]) -> Result<Vec<f32>> {
        let (height, width) = (dims[2], dims[3]);
        let (rows, columns) = (windows(height), windows(width));
        let mut result = vec![0f32; x.len()];
        let planes = result
            .par_chunks_mut(height * width)
            .zip(x.par_chunks(height * width));
        let outputs = y
            .par_chunks(rows * columns)
            .zip(gradient.par_chunks(rows * columns));
        planes
            .zip(outputs)
            .for_each(|((result, x), (y, gradient))| {
                dispatch(Back {
                    x,
                    y,
                    gradient,
                    result,
                    width,
                    columns,
                });
            });
        Ok(result)
    }
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

/// The maxima of one plane.
struct Maxima<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    width: usize,
    columns: usize,
}

impl Kernel for Maxima<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let mut parted = Parted::new(self.columns);
        let mut tallest = vec![0f32; self.width];
        for (row, y) in self.y.chunks_exact_mut(self.columns).enumerate() {
            tallest.fill(f32::NEG_INFINITY);
            for line in self.x.chunks_exact(self.width).skip(2 * row).take(3) {
                for (tallest, x) in tallest.iter_mut().zip(line) {
                    *tallest = if *x > *tallest { *x } else { *tallest };
                }
            }
            parted.fill(&tallest);
            let (even, odd) = (&parted.even[..=y.len()], &parted.odd[..y.len()]);
            for c in 0..y.len() {
                let pair = if odd[c] > even[c] { odd[c] } else { even[c] };
                y[c] = if even[c + 1] > pair {
                    even[c + 1]
                } else {
                    pair
                };
            }
        }
    }
}

/// The gradient of one plane.
struct Back<'a> {
    x: &'a [f32],
    y: &'a [f32],
    gradient: &'a [f32],
    result: &'a mut [f32],
    width: usize,
    columns: usize,
}

impl Kernel for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let mut parted = Parted::new(self.columns);
        let (mut even, mut odd) = (vec![0f32; self.columns + 1], vec![0f32; self.columns]);
        let mut left = vec![0f32; self.columns];
        let windows = self
            .y
            .chunks_exact(self.columns)
            .zip(self.gradient.chunks_exact(self.columns));
        for (row, (y, gradient)) in windows.enumerate() {
            left.copy_from_slice(gradient);
            let lines = self
                .x
                .chunks_exact(self.width)
                .zip(self.result.chunks_exact_mut(self.width));
            for (x, result) in lines.skip(2 * row).take(3) {
                parted.fill(x);
                even.fill(0.0);
                odd.fill(0.0);
                claim(
                    &parted.even[..self.columns],
                    y,
                    &mut left,
                    &mut even[..self.columns],
                );
                claim(&parted.odd[..self.columns], y, &mut left, &mut odd);
                claim(&parted.even[1..], y, &mut left, &mut even[1..]);
                let mut pairs = result.chunks_exact_mut(2);
                for ((pair, even), odd) in (&mut pairs).zip(&even).zip(&odd) {
                    pair[0] += even;
                    pair[1] += odd;
                }
                if let [last] = pairs.into_remainder() {
                    *last += even[self.width / 2];
                }
            }
        }
    }
}

/// Where `x` is the maximum `y`, moves what is `left` of the gradient there.
#[inline(always)]
fn claim(x: &[f32], y: &[f32], left: &mut [f32], result: &mut [f32]) {
    let (x, left, result) = (&x[..y.len()], &mut left[..y.len()], &mut result[..y.len()]);
    for c in 0..y.len() {
        let here = x[c] == y[c];
        result[c] += if here { left[c] } else { 0.0 };
        left[c] = if here { 0.0 } else { left[c] };
    }
}

/// Maximum over windows of 3 at stride 2 along `axis`, ceil mode.
fn max_along(x: &Tensor, axis: usize) -> Result<Tensor> {
    let length = x.dim(axis)?;
    let windows = (length - 3).div_ceil(2) + 1;
    let mut edge = x.dims().to_vec();
    edge[axis] = 2 * windows + 2 - length;
    let edge = Tensor::full(f32::MIN, edge, x.device())?;
    let padded = Tensor::cat(&[x, &edge], axis)?;
    let every_second = |first: usize| -> Result<Tensor> {
        let mut pairs = x.dims().to_vec();
        pairs[axis] = windows;
        pairs.insert(axis + 1, 2);
        let pairs = padded
            .narrow(axis, first, 2 * windows)?
            .contiguous()?
            .reshape(pairs)?;
        pairs.narrow(axis + 1, 0, 1)?.squeeze(axis + 1)
    };
    every_second(0)?
        .maximum(&every_second(1)?)?
        .maximum(&every_second(2)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};
    use candle_core::Device;

    #[test]
    fn gradients() {
        check(&normal(1, &[2, 3, 4, 6]), 1e-3, |x| {
            avg_pool2(x)? * avg_pool2(&x.sqr()?)?
        });
        for (height, width) in [(7, 7), (8, 5), (6, 10), (3, 4)] {
            check(&normal(1, &[2, 3, height, width]), 1e-4, max_pool3s2_ceil);
        }
    }

    #[test]
    fn windows_hang_over_the_far_edge() {
        let x = Tensor::arange(0f32, 24.0, &Device::Cpu)
            .unwrap()
            .reshape((1, 1, 4, 6))
            .unwrap();
        let y = max_pool3s2_ceil(&x).unwrap();
        assert_eq!(y.dims(), [1, 1, 2, 3]);
        let y: Vec<f32> = y.flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(y, [14., 16., 17., 20., 22., 23.]);
    }

    #[test]
    fn agrees_with_the_composed_form() {
        for (height, width) in [(3, 3), (4, 3), (15, 31), (16, 18)] {
            let x = normal(1, &[2, 3, height, width]);
            let expected = max_along(&max_along(&x, 2).unwrap(), 3).unwrap();
            let got = max_pool3s2_ceil(&x).unwrap();
            assert_eq!(got.dims(), expected.dims());
            let flat = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(flat(&got), flat(&expected));
        }
    }
}
