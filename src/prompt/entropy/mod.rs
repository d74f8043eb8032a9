//! Entropy coding of small integers around a predicted centre, with no adaptive state: every
//! symbol brings its own [`Law`]. Integer arithmetic only, so that any two platforms agree.
//!
//! A layer is described once, for both directions, as a function over [`Coder`]: the encoder
//! writes the wishes it is given, the decoder ignores them and returns what it reads.

mod law;
mod log;
mod range;

pub(super) use law::Law;
pub(super) use log::{OCTAVE, log2, weight};
pub(super) use range::{RangeDecoder, RangeEncoder};

/// One direction of coding.
pub(super) trait Coder {
    /// An integer under `law`, as near to `wish` as the law's bounds allow.
    fn integer(&mut self, law: &Law, wish: f32) -> i32;

    /// A yes or no that is `true` with a probability of `odds`/256.
    fn flag(&mut self, odds: u8, wish: bool) -> bool;

    /// `count` plain bits, at most 16.
    fn bits(&mut self, count: u32, wish: u32) -> u32;
}
