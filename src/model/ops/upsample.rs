//! Nearest-neighbour enlargement.

use candle_core::{Result, Shape, Tensor};
use rayon::prelude::*;

use super::cpu::custom::{Unary, apply, is_served};

/// Every pixel becomes a 2×2 cell: (B, C, H, W) → (B, C, 2H, 2W).
pub fn upsample_nearest2(x: &Tensor) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    if is_served(x) {
        return apply(x, Enlarge);
    }
    let cells = x
        .contiguous()?
        .reshape(&[batch, channels, height, 1, width, 1][..])?;
    cells
        .broadcast_as(&[batch, channels, height, 2, width, 2][..])?
        .contiguous()?
        .reshape((batch, channels, 2 * height, 2 * width))
}

struct Enlarge;

impl Unary for Enlarge {
    const NAME: &'static str = "enlarge";

    fn forward(&self, x: &[f32], dims: &[usize]) -> Result<(Vec<f32>, Shape)> {
        let mut y = vec![0f32; 4 * x.len()];
        let width = dims[3].max(1);
        let lines = x
            .par_chunks(width)
            .zip(y.par_chunks_mut(4 * width))
            .with_min_len(64);
        lines.for_each(|(line, pair)| {
            let (upper, lower) = pair.split_at_mut(2 * width);
            for (cell, x) in upper.as_chunks_mut::<2>().0.iter_mut().zip(line) {
                *cell = [*x; 2];
            }
            lower.copy_from_slice(upper);
        });
        Ok((y, Shape::from((dims[0], dims[1], 2 * dims[2], 2 * dims[3]))))
    }

    fn backward(&self, x: &[f32], _: &[f32], gradient: &[f32], dims: &[usize]) -> Result<Vec<f32>> {
        let mut result = vec![0f32; x.len()];
        let width = dims[3].max(1);
        let lines = result
            .par_chunks_mut(width)
            .zip(gradient.par_chunks(4 * width));
        lines.with_min_len(64).for_each(|(line, pair)| {
            let (upper, lower) = pair.split_at(2 * width);
            let cells = upper
                .as_chunks::<2>()
                .0
                .iter()
                .zip(lower.as_chunks::<2>().0);
            for (x, (upper, lower)) in line.iter_mut().zip(cells) {
                *x = upper[0] + upper[1] + lower[0] + lower[1];
            }
        });
        Ok(result)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};

    #[test]
    fn gradients() {
        let x = normal(1, &[2, 3, 4, 5]);
        check(&x, 1e-3, |x| upsample_nearest2(x)?.sqr());
        // Used by the enlargement and elsewhere, in both orders.
        check(&x, 1e-3, |x| {
            upsample_nearest2(x)? * upsample_nearest2(&x.sqr()?)?
        });
        check(&x, 1e-3, |x| {
            upsample_nearest2(x)?.sum_all()?.broadcast_mul(x)
        });
        check(&x, 1e-3, |x| {
            x.broadcast_mul(&upsample_nearest2(x)?.sum_all()?)
        });
    }
}
