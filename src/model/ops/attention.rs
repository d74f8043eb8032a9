//! Multi-head scaled dot-product attention (Vaswani et al. 2017, section 3.2).

use candle_core::{Result, Tensor, bail};

use super::{flops, softmax_last};

/// softmax(q·kᵀ/√d)·v per head, d = C / `heads`.
///
/// `q` is (B, T, C), `k` and `v` are (B, S, C); the result is (B, T, C). Errors when C is no
/// multiple of `heads`.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, heads: usize) -> Result<Tensor> {
    let (batch, tokens, channels) = q.dims3()?;
    if heads == 0 || channels % heads != 0 {
        bail!("attention: {channels} channels do not divide into {heads} heads");
    }
    let scale = 1.0 / ((channels / heads) as f64).sqrt();
    let q = (split_heads(q, heads)? * scale)?;
    let k = split_heads(k, heads)?;
    let v = split_heads(v, heads)?;
    let weights = softmax_last(&q.matmul(&k.t()?.contiguous()?)?)?;
    let mixed = weights.matmul(&v)?;
    flops::count([2, batch, tokens, k.dim(2)?, channels]);
    mixed
        .transpose(1, 2)?
        .contiguous()?
        .reshape((batch, tokens, channels))
}

/// (B, T, C) → (B, heads, T, C / heads).
fn split_heads(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (batch, tokens, channels) = x.dims3()?;
    x.reshape((batch, tokens, heads, channels / heads))?
        .transpose(1, 2)?
        .contiguous()
}
