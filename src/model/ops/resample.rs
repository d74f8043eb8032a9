//! Cells of 2×2 pixels: nearest-neighbour enlargement and means.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu::custom::{apply, is_served};

/// Every pixel becomes a 2×2 cell: (B, C, H, W) → (B, C, 2H, 2W).
pub fn upsample_nearest2(x: &Tensor) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let large = (batch, channels, 2 * height, 2 * width);
    if is_served(x) {
        return apply(
            x,
            large,
            move |x| Ok(spread(x, width, 1.0)),
            move |_, _, gradient| Ok(gathered(gradient, width, 1.0)),
        );
    }
    let cells = x.contiguous()?;
    let cells = cells.reshape(&[batch, channels, height, 1, width, 1][..])?;
    let cells = cells.broadcast_as(&[batch, channels, height, 2, width, 2][..])?;
    cells.contiguous()?.reshape(large)
}

/// Mean of each 2×2 cell: (B, C, H, W) → (B, C, H/2, W/2). Errors on odd sides.
pub fn avg_pool2(x: &Tensor) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    if height % 2 != 0 || width % 2 != 0 {
        bail!("average pooling by 2: odd side in {:?}", x.shape());
    }
    if !is_served(x) {
        return x.avg_pool2d(2);
    }
    let width = width / 2;
    apply(
        x,
        (batch, channels, height / 2, width),
        move |x| Ok(gathered(x, width, 0.25)),
        move |_, _, gradient| Ok(spread(gradient, width, 0.25)),
    )
}

/// Each value of rows of `width`, times `scale`, as a cell.
fn spread(x: &[f32], width: usize, scale: f32) -> Vec<f32> {
    let mut large = vec![0f32; 4 * x.len()];
    let width = width.max(1);
    let lines = x.par_chunks(width).zip(large.par_chunks_mut(4 * width));
    lines.with_min_len(64).for_each(|(line, pair)| {
        let (upper, lower) = pair.split_at_mut(2 * width);
        for (cell, x) in upper.as_chunks_mut::<2>().0.iter_mut().zip(line) {
            *cell = [scale * x; 2];
        }
        lower.copy_from_slice(upper);
    });
    large
}

/// The sum of each cell, times `scale`, in rows of `width`.
fn gathered(large: &[f32], width: usize, scale: f32) -> Vec<f32> {
    let mut sums = vec![0f32; large.len() / 4];
    let width = width.max(1);
    let lines = sums.par_chunks_mut(width).zip(large.par_chunks(4 * width));
    lines.with_min_len(64).for_each(|(line, pair)| {
        let (upper, lower) = pair.split_at(2 * width);
        let (upper, lower) = (upper.as_chunks::<2>().0, lower.as_chunks::<2>().0);
        for (sum, (upper, lower)) in line.iter_mut().zip(upper.iter().zip(lower)) {
            *sum = scale * (upper[0] + upper[1] + lower[0] + lower[1]);
        }
    });
    sums
}
