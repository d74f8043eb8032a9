//! The reference's recurrence (imported titles): keyframe k, and the frames before it, start from the
//! latent of keyframe k−1.

use super::error::RenderError;
use super::keyframes::Keyframes;
use super::passes::Passes;
use super::queue::Queue;
use super::span::Span;
use crate::model::StartMix;
use candle_core::Tensor;

pub(super) struct Chain {
    mix: StartMix,
    frames: u32,
    /// Number of the next keyframe, and of the next frame.
    keyframe: usize,
    from: u32,
    /// The latent that `span` started from, before noise.
    pub(super) before: Tensor,
    span: Option<Span>,
}

impl Chain {
    /// The `frames` frames of a segment after the latent `before`.
    pub(super) fn new(mix: StartMix, frames: u32, before: Tensor) -> Self {
        Self {
            mix,
            frames,
            keyframe: 0,
            from: 0,
            before,
            span: None,
        }
    }

    /// Generates the next group of frames; false if none is left.
    pub(super) fn step(
        &mut self,
        passes: &Passes,
        keyframes: &Keyframes,
        queue: &mut Queue<'_>,
    ) -> Result<bool, RenderError> {
        if let Some(span) = &mut self.span
            && span.step(passes, keyframes, queue)?
        {
            return Ok(true);
        }
        let Some(position) = keyframes.positions.get(self.keyframe) else {
            return Ok(false);
        };
        if let Some(latent) = self.span.take().and_then(|span| span.last) {
            self.before = latent;
        }
        let end = position.saturating_add(1).min(self.frames);
        let start = self.mix.after(&self.before)?;
        self.span = Some(Span::new(passes, self.from..end, start));
        self.keyframe += 1;
        self.from = end;
        Ok(true)
    }
}
