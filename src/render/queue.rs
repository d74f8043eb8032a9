//! Finished frames that are not delivered yet.

use crate::frame::Frame;
use std::collections::VecDeque;

/// The wanted frames with their numbers in the segment.
pub(super) struct Queue<'w> {
    pub(super) wanted: &'w dyn Fn(u32) -> bool,
    pub(super) ready: VecDeque<(u32, Frame)>,
}

impl Queue<'_> {
    /// Adds frame `number` if it is wanted.
    pub(super) fn push(&mut self, number: u32, frame: Frame) {
        if (self.wanted)(number) {
            self.ready.push_back((number, frame));
        }
    }
}
