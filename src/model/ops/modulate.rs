//! Feature-wise affine modulation (FiLM, Perez et al. 2018).

use candle_core::{Result, Tensor};

/// x·(1 + scale) + shift, where `m` (B, 2C, H, W) holds scale in its first C channels and shift in
/// the rest; `x` is (B, C, H, W). Differentiable in both.
pub fn modulate(x: &Tensor, m: &Tensor) -> Result<Tensor> {
    let channels = x.dim(1)?;
    let scale = m.narrow(1, 0, channels)?;
    let shift = m.narrow(1, channels, channels)?;
    ((x * scale)? + x)? + shift
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::gradient_check::{check, normal};

    #[test]
    fn gradients() {
        let (x, m) = (normal(1, &[2, 3, 4, 5]), normal(2, &[2, 6, 4, 5]));
        check(&x, 1e-3, |x| modulate(x, &m));
        check(&m, 1e-3, |m| modulate(&x, m));
        check(&x, 1e-3, |x| modulate(x, &Tensor::cat(&[x, x], 1)?));
    }

    #[test]
    fn first_half_scales_second_half_shifts() {
        let x = Tensor::full(3f32, (1, 1, 1, 2), &candle_core::Device::Cpu).unwrap();
        let m = Tensor::new(&[[[[0.5f32, 0.0]], [[1.0, -1.0]]]], x.device()).unwrap();
        let y: Vec<f32> = modulate(&x, &m)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap();
        assert_eq!(y, [5.5, 2.0]);
    }
}
