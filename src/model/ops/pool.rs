//! Pooling: 2×2 means, and the 3×3 stride-2 maxima of SqueezeNet.

use candle_core::{Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::cpu::custom::{Unary, apply, is_served};

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
        let mut y = vec![f32::NEG_INFINITY; dims[0] * dims[1] * rows * columns];
        let planes = x
            .par_chunks(height * width)
            .zip(y.par_chunks_mut(rows * columns));
        planes.for_each(|(x, y)| {
            let mut tallest = vec![0f32; width];
            for (row, y) in y.chunks_exact_mut(columns).enumerate() {
                tallest.fill(f32::NEG_INFINITY);
                for line in x.chunks_exact(width).skip(2 * row).take(3) {
                    tallest
                        .iter_mut()
                        .zip(line)
                        .for_each(|(t, x)| *t = if *x > *t { *x } else { *t });
                }
                for (window, y) in tallest.chunks(2).zip(&mut *y) {
                    *y = window.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                }
                // The third column of each window.
                for (third, y) in tallest.iter().skip(2).step_by(2).zip(y) {
                    *y = y.max(*third);
                }
            }
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
                for (index, (y, gradient)) in y.iter().zip(gradient).enumerate() {
                    let (row, column) = (2 * (index / columns), 2 * (index % columns));
                    let across = column..(column + 3).min(width);
                    let window = (row..(row + 3).min(height))
                        .flat_map(|r| across.clone().map(move |c| r * width + c));
                    if let Some(place) = window.into_iter().find(|&place| x[place] == *y) {
                        result[place] += gradient;
                    }
                }
            });
        Ok(result)
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
