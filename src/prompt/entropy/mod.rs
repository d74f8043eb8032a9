//! Entropy coding of small integers around a predicted centre, with no adaptive state: every
//! symbol brings its own [`Distribution`]. Integer arithmetic only, so that any two platforms agree.
//!
//! A layer is described once, for both directions, as a function over [`Coder`]: the encoder
//! writes the targets it is given, the decoder ignores them and returns what it reads.

mod distribution;
mod log;
mod range;

pub(super) use distribution::Distribution;
pub(super) use log::{OCTAVE, log2, weight};
pub(super) use range::{RangeDecoder, RangeEncoder};

/// One direction of coding.
pub(super) trait Coder {
    /// An integer under `distribution`, as near to `target` as the distribution's bounds allow.
    fn integer(&mut self, distribution: &Distribution, target: f32) -> i32;

    /// A yes or no that is `true` with a probability of `odds`/256.
    fn flag(&mut self, odds: u8, target: bool) -> bool;

    /// `count` plain bits, at most 16.
    fn bits(&mut self, count: u32, target: u32) -> u32;
}
