//! Operations with a custom backward pass, on any device. candle's own would also compute and keep the
//! gradient of every frozen weight in the graph.

use candle_core::backend::BackendStorage;
use candle_core::{
    CpuStorage, CudaStorage, CustomOp2, D, Layout, MetalStorage, Result, Shape, Tensor, bail,
};

/// `forward` of `x`. In a graph, the gradient of `x` is `backward` of the result's gradient; other
/// tensors that the two functions use are constants.
pub(super) fn attach(
    x: &Tensor,
    forward: impl FnOnce(&Tensor) -> Result<Tensor>,
    backward: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static,
) -> Result<Tensor> {
    let y = forward(&x.detach())?;
    if !x.track_op() {
        return Ok(y);
    }
    x.apply_op2(&y.contiguous()?, Attached(Box::new(backward)))
}

/// The bias of a layer with so many `outputs`, detached; `layer` is its name in the error.
pub(super) fn frozen_bias(
    layer: &str,
    bias: Option<&Tensor>,
    outputs: usize,
) -> Result<Option<Tensor>> {
    let Some(bias) = bias else { return Ok(None) };
    match bias.dims1()? {
        length if length == outputs => Ok(Some(bias.detach())),
        length => bail!("{layer}: {outputs} outputs but a bias of {length}"),
    }
}

/// x + `constant`, broadcast along axes of size 1.
pub fn add_constant(x: &Tensor, constant: &Tensor) -> Result<Tensor> {
    let constant = constant.detach();
    attach(
        x,
        |x| x.broadcast_add(&constant),
        |gradient| Ok(gradient.clone()),
    )
}

/// The channels of `constant` (B, …), then those of `x` (B, …).
pub fn cat_constant(constant: &Tensor, x: &Tensor) -> Result<Tensor> {
    let (first, own) = (constant.dim(1)?, x.dim(1)?);
    let constant = constant.detach();
    attach(
        x,
        |x| Tensor::cat(&[&constant, x], 1),
        move |gradient| gradient.narrow(1, first, own)?.contiguous(),
    )
}

/// x·`weight` + `bias`, both broadcast along axes of size 1.
pub(super) fn affine(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let frozen = weight.clone();
    attach(
        x,
        |x| x.broadcast_mul(weight)?.broadcast_add(bias),
        move |gradient| gradient.broadcast_mul(&frozen),
    )
}

/// `x` brought to mean 0 and variance 1 along its last axis.
pub(super) fn normalised(x: &Tensor, eps: f64) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
    centred.broadcast_div(&(variance + eps)?.sqrt()?)
}

type Backward = dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync;

/// Identity on `y` in the graph of `x`, whose backward pass is the closure.
struct Attached(Box<Backward>);

fn copy<S: BackendStorage>(y: &S, layout: &Layout) -> Result<(S, Shape)> {
    if layout.start_offset() != 0 || !layout.is_contiguous() {
        bail!("attach: a view, {layout:?}");
    }
    Ok((y.try_clone(layout)?, layout.shape().clone()))
}

impl CustomOp2 for Attached {
    fn name(&self) -> &'static str {
        "attached"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        y: &CpuStorage,
        layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        copy(y, layout)
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        y: &CudaStorage,
        layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        copy(y, layout)
    }

    fn metal_fwd(
        &self,
        _: &MetalStorage,
        _: &Layout,
        y: &MetalStorage,
        layout: &Layout,
    ) -> Result<(MetalStorage, Shape)> {
        copy(y, layout)
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((Some((self.0)(gradient)?), None))
    }
}
