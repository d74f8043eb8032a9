//! Pixel shuffle and its inverse: channels to space and back (Shi et al. 2016).
//! Channel c·r² + i·r + j holds row i, column j of each r×r cell of channel c, as in PyTorch.

use candle_core::{Result, Tensor, bail};

/// (B, C·r², H, W) → (B, C, H·r, W·r). Errors when r² does not divide the channels.
pub fn pixel_shuffle(x: &Tensor, r: usize) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    if r == 0 || channels % (r * r) != 0 {
        bail!("pixel shuffle: {channels} channels into cells of {r}×{r}");
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
    let (rows, columns) = (height / r, width / r);
    x.reshape(&[batch, channels, rows, r, columns, r][..])?
        .permute([0, 1, 3, 5, 2, 4])?
        .contiguous()?
        .reshape((batch, channels * r * r, rows, columns))
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
