//! Interpolation by motion: keyframes are generated, the motion from each to the next is estimated, and
//! the frames between are warped along it from both sides.

use super::batching::GROUP;
use super::error::RenderError;
use super::keyframes::Keyframes;
use super::passes::Passes;
use super::queue::Queue;
use crate::flow::Between;
use crate::frame::Frame;
use candle_core::Tensor;
use rayon::prelude::*;
use std::collections::VecDeque;
use std::ops::Range;

pub(super) struct Motion {
    frames: u32,
    /// Frames between keyframes are left out before this one.
    from: u32,
    start: Tensor,
    /// Keyframes to generate, ascending.
    positions: VecDeque<u32>,
    /// How many of them to generate next.
    group: usize,
    generated: VecDeque<(u32, Frame)>,
    before: Option<(u32, Frame)>,
    moving: Option<Moving>,
}

/// The frames between two keyframes.
struct Moving {
    motion: Between,
    from: u32,
    left: Range<u32>,
    to: (u32, Frame),
}

impl Motion {
    /// The wanted frames before `frames`, all keyframes generated from one start latent.
    pub(super) fn new(
        keyframes: &Keyframes,
        frames: u32,
        wanted: &dyn Fn(u32) -> bool,
        start: Tensor,
    ) -> Self {
        Self {
            frames,
            from: 0,
            start,
            positions: needed(&keyframes.positions, wanted).into(),
            // The first keyframe alone, so that the first frame comes soon.
            group: 1,
            generated: VecDeque::new(),
            before: None,
            moving: None,
        }
    }

    /// Leaves out the frames before `number`, and the keyframes that only they need. A keyframe that was
    /// generated is shown even so: where all come too late, these are the picture.
    pub(super) fn skip_to(&mut self, number: u32) {
        self.from = self.from.max(number);
        if self.from >= self.frames {
            self.positions.clear();
        }
        let from = self.from;
        while self.positions.get(1).is_some_and(|after| *after <= from) {
            self.positions.pop_front();
        }
    }

    /// Does the next piece of work; false if none is left.
    pub(super) fn step(
        &mut self,
        passes: &Passes,
        keyframes: &Keyframes,
        queue: &mut Queue<'_>,
    ) -> Result<bool, RenderError> {
        if let Some(moving) = self.moving.take() {
            self.warp(moving, queue);
        } else if let Some((at, frame)) = self.generated.pop_front() {
            self.reach(at, frame, queue)?;
        } else if self.positions.is_empty() {
            return Ok(false);
        } else {
            let group = self.group.min(self.positions.len());
            let positions: Vec<u32> = self.positions.drain(..group).collect();
            let made = passes.generate(keyframes, &positions, &self.start)?;
            let frames = made.into_iter().flat_map(|(_, frames)| frames);
            self.generated.extend(positions.into_iter().zip(frames));
            self.group = passes.ahead();
        }
        Ok(true)
    }

    /// Goes on to the keyframe at `at`: over the frames before it, if one is wanted.
    fn reach(&mut self, at: u32, frame: Frame, queue: &mut Queue<'_>) -> Result<(), RenderError> {
        if let Some((from, earlier)) = &self.before {
            let left = from.saturating_add(1)..at.min(self.frames);
            let mut still = left.start.max(self.from)..left.end;
            if still.any(queue.wanted) {
                self.moving = Some(Moving {
                    motion: Between::new(earlier, &frame)?,
                    from: *from,
                    left,
                    to: (at, frame),
                });
                return Ok(());
            }
        }
        self.show(at, frame, queue);
        Ok(())
    }

    fn show(&mut self, at: u32, frame: Frame, queue: &mut Queue<'_>) {
        if at < self.frames {
            queue.push(at, frame.clone());
        }
        self.before = Some((at, frame));
    }

    /// Warps the next group of frames, and shows the keyframe after the last of them.
    fn warp(&mut self, mut moving: Moving, queue: &mut Queue<'_>) {
        let group = match rayon::current_num_threads() {
            1 => 1,
            _ => GROUP as usize,
        };
        moving.left.start = moving.left.start.max(self.from);
        let wanted = moving
            .left
            .by_ref()
            .filter(|number| (queue.wanted)(*number));
        let numbers: Vec<u32> = wanted.take(group).collect();
        if numbers.is_empty() {
            let (at, frame) = moving.to;
            return self.show(at, frame, queue);
        }
        let span = moving.to.0.saturating_sub(moving.from).max(1) as f32;
        let at = |&number: &u32| moving.motion.at((number - moving.from) as f32 / span);
        let moved: Vec<Frame> = numbers.par_iter().map(at).collect();
        numbers
            .into_iter()
            .zip(moved)
            .for_each(|(number, frame)| queue.push(number, frame));
        self.moving = Some(moving);
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
