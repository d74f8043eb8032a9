//! Pixel shuffle and its inverse: channels to space and back (Shi et al. 2016).
//! Channel c·r² + i·r + j holds row i, column j of each r×r cell of channel c, as in PyTorch.

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;

use super::cpu::custom::{apply, is_served};

/// (B, C·r², H, W) → (B, C, H·r, W·r). Errors when r² does not divide the channels.
pub fn pixel_shuffle(x: &Tensor, r: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    if r == 0 || channels % (r * r) != 0 {
        bail!("pixel shuffle: {channels} channels into cells of {r}×{r}");
    }
    let channels = channels / (r * r);
    let large = (batch, channels, height * r, width * r);
    if is_served(x) {
        return apply(
            x,
            large,
            move |x| Ok(shuffle(x, r, height, width)),
            move |_, _, gradient| Ok(unshuffle(gradient, r, height, width)),
        );
    }
    let planes = x.reshape(&[batch, channels, r, r, height, width][..])?;
    let cells = planes.permute([0, 1, 4, 2, 5, 3])?;
    cells.contiguous()?.reshape(large)
}

/// (B, C, H·r, W·r) → (B, C·r², H, W). Errors when r does not divide height and width.
pub fn pixel_unshuffle(x: &Tensor, r: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    if r == 0 || height % r != 0 || width % r != 0 {
        bail!("pixel unshuffle: {height}×{width} into cells of {r}×{r}");
    }
    let (height, width) = (height / r, width / r);
    let small = (batch, channels * r * r, height, width);
    if is_served(x) {
        return apply(
            x,
            small,
            move |x| Ok(unshuffle(x, r, height, width)),
            move |_, _, gradient| Ok(shuffle(gradient, r, height, width)),
        );
    }
    let cells = x.reshape(&[batch, channels, height, r, width, r][..])?;
    let planes = cells.permute([0, 1, 3, 5, 2, 4])?;
    planes.contiguous()?.reshape(small)
}

/// Gathers r² planes of `height`×`width` into one of r·height × r·width.
fn shuffle(planes: &[f32], r: usize, height: usize, width: usize) -> Vec<f32> {
    let mut large = vec![0f32; planes.len()];
    if !planes.is_empty() {
        let (plane, line) = (height * width, r * width);
        let lines = large.par_chunks_mut(line).enumerate().with_min_len(64);
        lines.for_each(|(index, line)| {
            let (channel, y) = (index / (r * height), index % (r * height));
            for j in 0..r {
                let source =
                    &planes[(channel * r * r + y % r * r + j) * plane + y / r * width..][..width];
                line[j..]
                    .iter_mut()
                    .step_by(r)
                    .zip(source)
                    .for_each(|(target, x)| *target = *x);
            }
        });
    }
    large
}

/// The inverse of [`shuffle`].
fn unshuffle(large: &[f32], r: usize, height: usize, width: usize) -> Vec<f32> {
    let mut planes = vec![0f32; large.len()];
    if !large.is_empty() {
        let lines = planes.par_chunks_mut(width).enumerate().with_min_len(64);
        lines.for_each(|(index, line)| {
            let (plane, y) = (index / height, index % height);
            let (channel, i, j) = (plane / (r * r), plane / r % r, plane % r);
            let source = &large[(channel * height * r + y * r + i) * width * r..][..width * r];
            line.iter_mut()
                .zip(source[j..].iter().step_by(r))
                .for_each(|(target, x)| *target = *x);
        });
    }
    planes
}
