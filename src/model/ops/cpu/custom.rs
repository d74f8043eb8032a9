//! Adapter from kernels on slices to nodes of candle's graph.

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Storage, Tensor, bail};

/// A differentiable operation of one tensor on the CPU. Slices are row-major.
pub(in crate::model::ops) trait Unary: Send + Sync + 'static {
    /// For error messages.
    const NAME: &'static str;

    /// The output's shape for an input of shape `dims`, and its values.
    fn forward(&self, x: &[f32], dims: &[usize]) -> Result<(Vec<f32>, Shape)>;

    /// The input's gradient (of shape `dims`) from input, output and the output's gradient.
    fn backward(&self, x: &[f32], y: &[f32], gradient: &[f32], dims: &[usize]) -> Result<Vec<f32>>;
}

/// Whether the kernels can take `x`: `f32` on the CPU.
pub(in crate::model::ops) fn is_served(x: &Tensor) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32
}

/// Applies `op` and records it in the graph.
pub(in crate::model::ops) fn apply<T: Unary>(x: &Tensor, op: T) -> Result<Tensor> {
    x.contiguous()?.apply_op1(Node(op))
}

/// The values of a contiguous tensor in a custom operation.
pub(in crate::model::ops) fn slice<'a>(
    storage: &'a CpuStorage,
    layout: &Layout,
) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("want contiguous f32 values, got {layout:?}"),
    }
}

/// Calls `f` with the values of `x` in row-major order.
pub(in crate::model::ops) fn with_values<T>(
    x: &Tensor,
    f: impl FnOnce(&[f32]) -> Result<T>,
) -> Result<T> {
    let x = x.contiguous()?;
    let (storage, layout) = x.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => f(slice(storage, layout)?),
        _ => bail!("want a tensor on the CPU"),
    }
}

struct Node<T>(T);

impl<T: Unary> CustomOp1 for Node<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (values, shape) = self.0.forward(slice(storage, layout)?, layout.dims())?;
        Ok((CpuStorage::F32(values), shape))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let values = with_values(x, |x_values| {
            with_values(y, |y| {
                with_values(gradient, |g| self.0.backward(x_values, y, g, x.dims()))
            })
        })?;
        Tensor::from_vec(values, x.shape(), x.device()).map(Some)
    }
}
