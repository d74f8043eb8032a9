//! Adapter from kernels on slices to nodes of candle's graph.

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Storage, Tensor, bail};

/// Whether the kernels can take `x`: `f32` on the CPU.
pub(crate) fn is_served(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// `forward` of the values of `x`, recorded in the graph: a tensor of `shape`. `backward` computes the
/// gradient of `x` from the values of `x`, of the result and of the result's gradient. Slices are
/// row-major.
pub(crate) fn apply<F, B>(
    x: &Tensor,
    shape: impl Into<Shape>,
    forward: F,
    backward: B,
) -> Result<Tensor>
where
    F: Fn(&[f32]) -> Result<Vec<f32>> + Send + Sync + 'static,
    B: Fn(&[f32], &[f32], &[f32]) -> Result<Vec<f32>> + Send + Sync + 'static,
{
    let node = Node {
        shape: shape.into(),
        forward,
        backward,
    };
    x.contiguous()?.apply_op1(node)
}

/// The values of a contiguous tensor in a custom operation.
pub(crate) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("want contiguous f32 values, got {layout:?}"),
    }
}

/// Calls `f` with the values of `x` in row-major order.
pub(crate) fn with_values<T>(x: &Tensor, f: impl FnOnce(&[f32]) -> Result<T>) -> Result<T> {
    let x = x.contiguous()?;
    let (storage, layout) = x.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(slice(storage, layout)?),
        _ => bail!("want a tensor on the CPU"),
    }
}

struct Node<F, B> {
    shape: Shape,
    forward: F,
    backward: B,
}

impl<F, B> CustomOp1 for Node<F, B>
where
    F: Fn(&[f32]) -> Result<Vec<f32>>,
    B: Fn(&[f32], &[f32], &[f32]) -> Result<Vec<f32>>,
{
    fn name(&self) -> &'static str {
        "kernel"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let values = (self.forward)(slice(storage, layout)?)?;
        Ok((CpuStorage::F32(values), self.shape.clone()))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let values = with_values(x, |x| {
            with_values(y, |y| {
                with_values(gradient, |gradient| (self.backward)(x, y, gradient))
            })
        })?;
        Tensor::from_vec(values, x.shape(), x.device()).map(Some)
    }
}
