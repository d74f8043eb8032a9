//! Frames that are generated one by one, from one start latent.

use super::batching::{Batching, GROUP};
use super::error::RenderError;
use super::keyframes::Keyframes;
use super::passes::Passes;
use super::queue::Queue;
use candle_core::Tensor;
use std::ops::Range;

pub(super) struct Span {
    left: Range<u32>,
    start: Tensor,
    group: u32,
    /// Latent of the last generated frame.
    pub(super) last: Option<Tensor>,
}

impl Span {
    pub(super) fn new(passes: &Passes, frames: Range<u32>, start: Tensor) -> Self {
        Self {
            left: frames,
            start,
            // A small group first, so that the first frame comes soon.
            group: (rayon::current_num_threads() as u32).min(passes.side_by_side),
            last: None,
        }
    }

    /// Leaves out the frames before `number`.
    pub(super) fn skip_to(&mut self, number: u32) {
        self.left.start = self.left.start.max(number);
    }

    /// Generates the next group of frames; false if none is left.
    pub(super) fn step(
        &mut self,
        passes: &Passes,
        keyframes: &Keyframes,
        queue: &mut Queue<'_>,
    ) -> Result<bool, RenderError> {
        let Range { start: next, end } = self.left;
        if next >= end {
            return Ok(false);
        }
        let group_end = match passes.batching {
            Batching::SideBySide => next.saturating_add(self.group),
            Batching::Together(limit) => {
                let group_end = next.saturating_add(limit.max(1));
                group_end.min(keyframes.end_of_interval(next))
            }
        };
        self.group = match rayon::current_num_threads() {
            1 => 1,
            _ => (2 * self.group).min(GROUP).min(passes.side_by_side),
        };
        let numbers: Vec<u32> = (next..group_end.min(end)).collect();
        for (latent, frames) in passes.generate(keyframes, &numbers, &self.start)? {
            for frame in frames {
                queue.push(self.left.start, frame);
                self.left.start += 1;
            }
            self.last = Some(latent);
        }
        Ok(true)
    }
}
