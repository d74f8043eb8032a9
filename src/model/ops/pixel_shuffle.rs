//! Pixel shuffle and its inverse: channels to space and back (Shi et al. 2016).
//! Channel c·r² + i·r + j holds row i, column j of each r×r cell of channel c, as in PyTorch.

use candle_core::{Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::cpu::custom::{Unary, apply, is_served};

/// (B, C·r², H, W) → (B, C, H·r, W·r). Errors when r² does not divide the channels.
pub fn pixel_shuffle(x: &Tensor, r: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    if r == 0 || channels % (r * r) != 0 {
        bail!("pixel shuffle: {channels} channels into cells of {r}×{r}");
    }
    if is_served(x) {
        return apply(x, Shuffle(r));
    }
    let out = channels / (r * r);
    x.reshape(&[batch, out, r, r, height, width][..])?
        .permute([0, 1, 4, 2, 5, 3])?
        .contiguous()?
        .reshape((batch, out, height * r, width * r))
}

/// (B, C, H·r, W·r) → (B, C·r², H, W). Errors when r does not divide height and width.
pub fn pixel_unshuffle(x: &Tensor, r: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    if r == 0 || height % r != 0 || width % r != 0 {
        bail!("pixel unshuffle: {height}×{width} into cells of {r}×{r}");
    }
    if is_served(x) {
        return apply(x, Unshuffle(r));
    }
    let (rows, columns) = (height / r, width / r);
    x.reshape(&[batch, channels, rows, r, columns, r][..])?
        .permute([0, 1, 3, 5, 2, 4])?
        .contiguous()?
        .reshape((batch, channels * r * r, rows, columns))
}

struct Shuffle(usize);

impl Unary for Shuffle {
    const NAME: &'static str = "pixel shuffle";

    fn forward(&self, x: &[f32], dims: &[usize]) -> Result<(Vec<f32>, Shape)> {
        let Self(r) = *self;
        let values = shuffle(x, r, dims[2], dims[3]);
        Ok((
            values,
            Shape::from((dims[0], dims[1] / (r * r), dims[2] * r, dims[3] * r)),
        ))
    }

    fn backward(&self, _: &[f32], _: &[f32], gradient: &[f32], dims: &[usize]) -> Result<Vec<f32>> {
        Ok(unshuffle(gradient, self.0, dims[2], dims[3]))
    }
}

struct Unshuffle(usize);

impl Unary for Unshuffle {
    const NAME: &'static str = "pixel unshuffle";

    fn forward(&self, x: &[f32], dims: &[usize]) -> Result<(Vec<f32>, Shape)> {
        let Self(r) = *self;
        let values = unshuffle(x, r, dims[2] / r, dims[3] / r);
        Ok((
            values,
            Shape::from((dims[0], dims[1] * r * r, dims[2] / r, dims[3] / r)),
        ))
    }

    fn backward(&self, _: &[f32], _: &[f32], gradient: &[f32], dims: &[usize]) -> Result<Vec<f32>> {
        Ok(shuffle(
            gradient,
            self.0,
            dims[2] / self.0,
            dims[3] / self.0,
        ))
    }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};
    use candle_core::Device;

    #[test]
    fn gradients() {
        check(&normal(1, &[2, 12, 3, 4]), 1e-2, |x| {
            pixel_shuffle(x, 2)?.sqr()
        });
        check(&normal(1, &[2, 3, 6, 9]), 1e-3, |x| {
            pixel_unshuffle(x, 3)?.sqr()
        });
    }

    #[test]
    fn channels_become_cells_row_by_row() {
        let x = Tensor::arange(0f32, 8.0, &Device::Cpu)
            .unwrap()
            .reshape((1, 8, 1, 1))
            .unwrap();
        let y = pixel_shuffle(&x, 2).unwrap();
        assert_eq!(
            y.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            [0., 1., 2., 3., 4., 5., 6., 7.]
        );
        assert_eq!(y.dims(), [1, 2, 2, 2]);
        let wide = Tensor::arange(0f32, 8.0, &Device::Cpu)
            .unwrap()
            .reshape((1, 4, 1, 2))
            .unwrap();
        let wide = pixel_shuffle(&wide, 2).unwrap().flatten_all().unwrap();
        assert_eq!(
            wide.to_vec1::<f32>().unwrap(),
            [0., 2., 1., 3., 4., 6., 5., 7.]
        );
    }

    #[test]
    fn unshuffle_undoes_shuffle() {
        let x = normal(5, &[2, 27, 4, 2]);
        let back = pixel_unshuffle(&pixel_shuffle(&x, 3).unwrap(), 3).unwrap();
        let flat = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(flat(&back), flat(&x));
    }
}
