//! The kernels behind the operations on a CPU: plain `f32` slices in, plain slices out.
//!
//! Every output value is computed by one thread in one fixed order, so results do not depend on
//! the number of threads. They may differ in the last bits between instruction sets.

pub(super) mod convolve;
pub(super) mod custom;
pub(super) mod functions;
pub(super) mod memory;
pub(super) mod plan;
pub(super) mod product;
pub(super) mod rows;
pub(super) mod simd;
pub(super) mod tile;
