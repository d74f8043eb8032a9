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
            let values = x.iter().zip(scale).zip(shift);
            y.extend(values.map(|((x, scale), shift)| x * (1.0 + scale) + shift));
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
        let (mut to_x, mut to_m) = (Vec::new(), Vec::new());
        with_values(gradient, |gradient| {
            let gradients = || gradient.chunks_exact(image);
            with_values(m, |m| {
                to_x.reserve_exact(gradient.len());
                for (g, m) in gradients().zip(m.chunks_exact(2 * image)) {
                    to_x.extend(g.iter().zip(m).map(|(g, scale)| g * (1.0 + scale)));
                }
                Ok(())
            })?;
            with_values(x, |x| {
                to_m.reserve_exact(2 * gradient.len());
                for (g, x) in gradients().zip(x.chunks_exact(image)) {
                    to_m.extend(g.iter().zip(x).map(|(g, x)| g * x));
                    to_m.extend_from_slice(g);
                }
                Ok(())
            })
        })?;
        let to_x = Tensor::from_vec(to_x, x.shape(), x.device())?;
        let to_m = Tensor::from_vec(to_m, m.shape(), m.device())?;
        Ok((Some(to_x), Some(to_m)))
    }
}

/// Values in one image of a batch; at least 1.
fn image_length(dims: &[usize]) -> usize {
    dims[1..].iter().product::<usize>().max(1)
}
