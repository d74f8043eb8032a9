//! Segments whose frames between keyframes are moved pictures: keyframes are generated, the motion
//! from each to the next is found, and the frames between follow it from both sides.

use super::{Batching, Deliver, GROUP, Keyframes, SegmentRenderer};
use crate::flow::Between;
use crate::frame::Frame;
use crate::render::RenderError;
use candle_core::Tensor;
use rayon::prelude::*;
use std::slice;

impl SegmentRenderer {
    /// Frames 0 to `frames`, all keyframes from one start latent.
    pub(super) fn moved(
        &self,
        keyframes: &Keyframes<'_>,
        frames: u32,
        start: &Tensor,
        deliver: &mut Deliver<'_>,
    ) -> Result<(), RenderError> {
        let positions: Vec<u32> = keyframes.decoded.iter().map(|(at, _)| *at).collect();
        // The first keyframe alone, so that the first frame comes soon.
        let (first, rest) = positions.split_at(positions.len().min(1));
        let mut before: Option<(u32, Frame)> = None;
        for group in std::iter::once(first).chain(rest.chunks(self.side_by_side())) {
            for (&at, frame) in group.iter().zip(self.pictures(keyframes, group, start)?) {
                if let Some((from, earlier)) = &before {
                    self.between((*from, earlier), (at, &frame), frames, deliver)?;
                }
                if at < frames {
                    deliver(frame.clone())?;
                }
                before = Some((at, frame));
            }
        }
        Ok(())
    }

    /// Keyframes that are generated before the first of them is used.
    fn side_by_side(&self) -> usize {
        match self.batching {
            Batching::SideBySide => {
                rayon::current_num_threads().clamp(1, self.side_by_side.min(GROUP) as usize)
            }
            Batching::Together(limit) => limit.max(1) as usize,
        }
    }

    /// The pictures of the keyframes at `positions`.
    fn pictures(
        &self,
        keyframes: &Keyframes<'_>,
        positions: &[u32],
        start: &Tensor,
    ) -> Result<Vec<Frame>, RenderError> {
        let passes: Result<Vec<_>, RenderError> = match self.batching {
            Batching::SideBySide => positions
                .par_iter()
                .map(|at| self.batch(keyframes, slice::from_ref(at), start))
                .collect(),
            Batching::Together(_) if positions.is_empty() => Ok(Vec::new()),
            Batching::Together(_) => {
                let pass = self.batch(keyframes, positions, start);
                pass.map(|pass| vec![pass])
            }
        };
        Ok(passes?.into_iter().flat_map(|(_, frames)| frames).collect())
    }

    /// The frames after `from` and before `to`, as far as the segment's `frames` go.
    fn between(
        &self,
        (from, first): (u32, &Frame),
        (to, second): (u32, &Frame),
        frames: u32,
        deliver: &mut Deliver<'_>,
    ) -> Result<(), RenderError> {
        let numbers: Vec<u32> = (from.saturating_add(1)..to.min(frames)).collect();
        if numbers.is_empty() {
            return Ok(());
        }
        let motion = Between::new(first, second)?;
        let span = to.saturating_sub(from).max(1) as f32;
        for group in numbers.chunks(GROUP as usize) {
            let group = group.par_iter();
            let moved: Vec<Frame> = group
                .map(|&number| motion.at((number - from) as f32 / span))
                .collect();
            moved.into_iter().try_for_each(&mut *deliver)?;
        }
        Ok(())
    }
}
