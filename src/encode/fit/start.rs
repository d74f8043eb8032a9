//! The start latent while a segment is fitted: always the one that the player will compute.
//!
//! With two passes it follows the prompts: frame 0's latent is computed anew in every pass and taken
//! as constant there (no gradient goes through it).

use candle_core::Tensor;

use crate::encode::EncodeError;
use crate::model::{Generator, StartMix, StartPayload};
use crate::prompt::Factors;
use crate::segment::StartLatent;

/// The start latent of one segment.
#[derive(Debug)]
pub(super) struct SegmentStart {
    pub(super) mode: StartLatent,
    pub(super) mix: StartMix,
    /// Components of the lowest rung, from which two passes start.
    pub(super) base: u8,
}

impl SegmentStart {
    /// The bytes in the segment's first sample.
    pub(super) fn payload(&self) -> Option<Vec<u8>> {
        (self.mode == StartLatent::TwoPass).then(|| vec![self.base])
    }

    /// The start latent that a player computes from the decoded keyframes `decoded`.
    pub(super) fn latent(
        &self,
        generator: &Generator,
        decoded: &[Factors],
    ) -> Result<Tensor, EncodeError> {
        let payload = StartPayload {
            mode: self.mode,
            bytes: &self.payload().unwrap_or_default(),
        };
        let compose = |components| decoded.first().map(|first| first.compose(components));
        Ok(payload.latent(generator, &self.mix, compose)?)
    }
}
