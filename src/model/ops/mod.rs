//! Differentiable operations with frozen weights, of which the generator, the prompt encoder and the
//! perceptual metric consist.
//!
//! Every gradient with respect to an *input* is exact (tested against finite differences); weights are
//! constants and their gradients are never computed. Pictures and feature maps are NCHW: in `f32`
//! on the CPU they go through own kernels, in any other format or place through candle's operations.
//! Knows nothing of networks, prompts or files. Errors are candle's: a wrong shape names the shape.
//!
//! candle's own fused softmax and layer norm silently detach from the graph, and its nearest-neighbour
//! upsampling drops a gradient when its input is used twice; none of them is used here where a
//! gradient is needed.

mod activation;
mod attach;
mod attention;
#[cfg(test)]
mod check;
mod conv2d;
mod cpu;
mod flops;
mod linear;
mod modulate;
mod norm;
mod pixel_shuffle;
mod pool;
mod resample;
mod residual_block;
mod softmax;
mod unit_distance;

pub use activation::{gelu_erf, relu, silu};
pub use attach::{add_constant, cat_constant};
pub use attention::attention;
pub use conv2d::Conv2d;
pub use cpu::memory::keep_freed_memory;
pub use flops::multiply_adds;
pub use linear::Linear;
pub use modulate::modulate;
pub use norm::Norm;
pub use pixel_shuffle::{pixel_shuffle, pixel_unshuffle};
pub use pool::max_pool3s2_ceil;
pub use resample::{avg_pool2, upsample_nearest2};
pub use residual_block::ResidualBlock;
pub use softmax::softmax_last;
pub use unit_distance::UnitDistance;
