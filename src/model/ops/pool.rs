//! Pooling: 2×2 means, and the 3×3 stride-2 maxima of SqueezeNet.

use candle_core::{Result, Tensor, bail};

/// Mean of each 2×2 cell: (B, C, H, W) → (B, C, H/2, W/2). Errors on odd sides.
pub fn avg_pool2(x: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    if height % 2 != 0 || width % 2 != 0 {
        bail!("average pooling by 2: odd side in {:?}", x.shape());
    }
    x.avg_pool2d(2)
}

/// Maximum over 3×3 windows at stride 2, no padding, ceil mode (a window may hang over the far
/// edge): (B, C, H, W) → (B, C, ⌈(H−3)/2⌉+1, ⌈(W−3)/2⌉+1). Errors on sides under 3.
pub fn max_pool3s2_ceil(x: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    if height < 3 || width < 3 {
        bail!("maximum pooling by 3: side under 3 in {:?}", x.shape());
    }
    max_along(&max_along(x, 2)?, 3)
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
}
