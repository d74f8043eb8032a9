//! Entropy coding of small integers around a predicted centre, without adaptive state: every symbol
//! has its own [`Distribution`]. Integer arithmetic only, so that all platforms agree.
//!
//! The syntax of a layer is written once for both directions, as a function over [`Coder`]: an encoder
//! writes the targets, a decoder ignores them and returns the values read.

mod distribution;
mod log;
mod range;

pub(super) use distribution::Distribution;
pub(super) use log::{OCTAVE, log2, weight};
pub(super) use range::{RangeDecoder, RangeEncoder};

/// One direction of coding.
pub(super) trait Coder {
    /// An integer with `distribution`; an encoder codes `target`, rounded and clamped to the bounds.
    fn integer(&mut self, distribution: &Distribution, target: f32) -> i32;

    /// A flag that is `true` with probability `odds`/256.
    fn flag(&mut self, odds: u8, target: bool) -> bool;

    /// `count` equiprobable bits, at most 16.
    fn bits(&mut self, count: u32, target: u32) -> u32;
}
