//! A count of the multiply-adds of all convolutions, linear layers and attentions so far, for
//! measuring how much of a device's matrix speed a network reaches.

use std::sync::atomic::{AtomicU64, Ordering};

static DONE: AtomicU64 = AtomicU64::new(0);

/// Multiply-adds of this process so far, backward passes on the CPU included. Counts what the
/// kernels compute, so that an enlargement within a convolution counts less than its definition.
pub fn multiply_adds() -> u64 {
    DONE.load(Ordering::Relaxed)
}

/// Adds the product of `factors`.
pub(super) fn count<const N: usize>(factors: [usize; N]) {
    let product = factors.into_iter().map(|factor| factor as u64).product();
    DONE.fetch_add(product, Ordering::Relaxed);
}
