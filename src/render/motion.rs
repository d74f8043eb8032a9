//! Interpolation by motion: keyframes are generated, the motion from each to the next is estimated, and
//! the frames between are warped along it from both sides.

use super::batching::{Batching, GROUP};
use super::error::RenderError;
use super::keyframes::Keyframes;
use super::segment::{Deliver, SegmentRenderer};
use crate::flow::Between;
use crate::frame::Frame;
use candle_core::Tensor;
use rayon::prelude::*;

impl SegmentRenderer {
    /// The `wanted` frames before `frames`, all keyframes generated from one start latent.
    pub(super) fn moved(
        &self,
        keyframes: &Keyframes<'_>,
        frames: u32,
        wanted: &dyn Fn(u32) -> bool,
        start: &Tensor,
        deliver: &mut Deliver<'_>,
    ) -> Result<(), RenderError> {
        let positions = needed(&keyframes.positions, wanted);
        // The first keyframe alone, so that the first frame comes soon.
        let (first, rest) = positions.split_at(positions.len().min(1));
        let mut before: Option<(u32, Frame)> = None;
        for group in std::iter::once(first).chain(rest.chunks(self.ahead())) {
            for (&at, frame) in group.iter().zip(self.pictures(keyframes, group, start)?) {
                if let Some((from, earlier)) = &before {
                    let numbers = (from.saturating_add(1)..at.min(frames)).filter(|n| wanted(*n));
                    let numbers: Vec<u32> = numbers.collect();
                    self.between((*from, earlier), (at, &frame), &numbers, deliver)?;
                }
                if at < frames && wanted(at) {
                    deliver(frame.clone())?;
                }
                before = Some((at, frame));
            }
        }
        Ok(())
    }

    /// Keyframes generated before the first of them is used.
    fn ahead(&self) -> usize {
        match self.batching {
            Batching::SideBySide => {
                let most = self.side_by_side.min(GROUP) as usize;
                rayon::current_num_threads().clamp(1, most)
            }
            Batching::Together(limit) => limit.max(1) as usize,
        }
    }

    fn pictures(
        &self,
        keyframes: &Keyframes<'_>,
        positions: &[u32],
        start: &Tensor,
    ) -> Result<Vec<Frame>, RenderError> {
        let passes = self.passes(keyframes, positions, start).into_iter();
        let passes = passes.collect::<Result<Vec<_>, _>>()?;
        Ok(passes.into_iter().flat_map(|(_, frames)| frames).collect())
    }

    /// The frames `numbers` between the keyframes `first`, at `from`, and `second`, at `to`.
    fn between(
        &self,
        (from, first): (u32, &Frame),
        (to, second): (u32, &Frame),
        numbers: &[u32],
        deliver: &mut Deliver<'_>,
    ) -> Result<(), RenderError> {
        if numbers.is_empty() {
            return Ok(());
        }
        let motion = Between::new(first, second)?;
        let span = to.saturating_sub(from).max(1) as f32;
        for group in numbers.chunks(GROUP as usize) {
            let at = |&number: &u32| motion.at((number - from) as f32 / span);
            let moved: Vec<Frame> = group.par_iter().map(at).collect();
            moved.into_iter().try_for_each(&mut *deliver)?;
        }
        Ok(())
    }
}

/// The keyframes at `positions` (ascending) that are wanted, or that a wanted frame between them needs.
fn needed(positions: &[u32], wanted: &dyn Fn(u32) -> bool) -> Vec<u32> {
    let inside = |from: u32, to: u32| (from.saturating_add(1)..to).any(wanted);
    let is_needed = |index: &usize| {
        let at = positions[*index];
        let before = index.checked_sub(1).map(|before| positions[before]);
        let after = positions.get(index + 1);
        wanted(at)
            || before.is_some_and(|before| inside(before, at))
            || after.is_some_and(|after| inside(at, *after))
    };
    let indices = (0..positions.len()).filter(is_needed);
    indices.map(|index| positions[index]).collect()
}

#[cfg(test)]
mod tests {
    use super::needed;

    #[test]
    fn a_frame_between_needs_exactly_its_two_keyframes() {
        let positions = [0, 10, 20, 30];
        let of = |frames: &[u32]| needed(&positions, &|number| frames.contains(&number));
        assert_eq!(of(&[3]), [0, 10]);
        assert_eq!(of(&[20]), [20]);
        assert_eq!(of(&[0, 29]), [0, 20, 30]);
        assert_eq!(of(&[]), [] as [u32; 0]);
        assert_eq!(needed(&positions, &|_| true), positions);
    }
}
