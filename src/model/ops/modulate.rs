//! Feature-wise affine modulation (FiLM, Perez et al. 2018).

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

use super::cpu::custom::{is_served, slice, with_values};

/// x·(1 + scale) + shift, where `m` (B, 2C, H, W) holds scale in its first C channels and shift in
/// the rest; `x` is (B, C, H, W). Differentiable in both. Errors on any other shapes.
pub fn modulate(x: &Tensor, m: &Tensor) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    if m.dims() != [batch, 2 * channels, height, width] {
        bail!("modulate: {:?} by {:?}", x.shape(), m.shape());
    }
    if is_served(x) && is_served(m) {
        return x.contiguous()?.apply_op2(&m.contiguous()?, Modulate);
    }
    let scale = m.narrow(1, 0, channels)?;
    let shift = m.narrow(1, channels, channels)?;
    ((x * scale)? + x)? + shift
}

struct Modulate;

impl CustomOp2 for Modulate {
    fn name(&self) -> &'static str {
        "modulate"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        m: &CpuStorage,
        m_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, m) = (slice(x, x_layout)?, slice(m, m_layout)?);
        let mut y = Vec::with_capacity(x.len());
        let image = image_length(x_layout.dims());
        for (x, m) in x.chunks_exact(image).zip(m.chunks_exact(2 * image)) {
            let (scale, shift) = m.split_at(image);
            y.extend(
                x.iter()
                    .zip(scale)
                    .zip(shift)
                    .map(|((x, scale), shift)| x * (1.0 + scale) + shift),
            );
        }
        Ok((CpuStorage::F32(y), x_layout.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        m: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let image = image_length(x.dims());
        let (mut to_x, mut to_m) = (
            Vec::with_capacity(x.elem_count()),
            Vec::with_capacity(m.elem_count()),
        );
        with_values(gradient, |gradient| {
            with_values(m, |m| {
                for (g, m) in gradient.chunks_exact(image).zip(m.chunks_exact(2 * image)) {
                    to_x.extend(g.iter().zip(m).map(|(g, scale)| g * (1.0 + scale)));
                }
                Ok(())
            })?;
            with_values(x, |x| {
                for (g, x) in gradient.chunks_exact(image).zip(x.chunks_exact(image)) {
                    to_m.extend(g.iter().zip(x).map(|(g, x)| g * x));
                    to_m.extend_from_slice(g);
                }
                Ok(())
            })
        })?;
        let to_x = Tensor::from_vec(to_x, x.shape(), x.device())?;
        Ok((
            Some(to_x),
            Some(Tensor::from_vec(to_m, m.shape(), m.device())?),
        ))
    }
}

/// Values in one image of a batch; at least 1.
fn image_length(dims: &[usize]) -> usize {
    dims[1..].iter().product::<usize>().max(1)
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
