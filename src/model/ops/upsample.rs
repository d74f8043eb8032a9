//! Nearest-neighbour enlargement.

use candle_core::{Result, Tensor};

/// Every pixel becomes a 2×2 cell: (B, C, H, W) → (B, C, 2H, 2W).
pub fn upsample_nearest2(x: &Tensor) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let cells = x
        .contiguous()?
        .reshape(&[batch, channels, height, 1, width, 1][..])?;
    cells
        .broadcast_as(&[batch, channels, height, 2, width, 2][..])?
        .contiguous()?
        .reshape((batch, channels, 2 * height, 2 * width))
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
