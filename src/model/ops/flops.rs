//! Multiply-adds of all convolutions, linear layers and attentions of this process, for the share of a
//! device's matrix throughput that a network reaches.

use std::sync::atomic::{AtomicU64, Ordering};

static DONE: AtomicU64 = AtomicU64::new(0);

/// Multiply-adds of this process so far, backward passes on the CPU included. Counts the kernels' work:
/// a convolution with built-in enlargement counts less than its definition.
pub fn multiply_adds() -> u64 {
    DONE.load(Ordering::Relaxed)
}

/// Adds the product of `factors`.
pub(super) fn count<const N: usize>(factors: [usize; N]) {
    let product = factors.into_iter().map(|factor| factor as u64).product();
    DONE.fetch_add(product, Ordering::Relaxed);
}
