//! Segments that have arrived and are not handed on yet, because they may still change.
//!
//! A buffered segment may be fetched again on a higher rung or get one more layer, and a seek empties
//! the buffer. What leaves here is what the viewer sees: without any of these everything at once,
//! else a segment when the session says that it is settled, or, while seeks are planned, when it
//! begins to play. What an abandoned transfer left changes no more.

use super::drive::Segment;
use crate::player::session::Session;
use bytes::Bytes;
use std::collections::BTreeMap;

/// Segments in the order in which they play.
#[derive(Debug, Default)]
pub(super) struct Hold {
    /// By number and, where a segment is in several pieces, by where the piece begins.
    waiting: BTreeMap<(usize, u64), Segment>,
    /// Entries of the log's plays that were looked at.
    shown: usize,
}

impl Hold {
    /// Takes in a segment; a later one takes the place of an earlier one.
    pub(super) fn put(&mut self, segment: Segment) {
        let from_us = (segment.skip_s * 1e6).round() as u64;
        self.waiting.insert((segment.segment, from_us), segment);
    }

    /// Puts layer number `rung` on top of a segment.
    pub(super) fn add_layer(&mut self, segment: usize, rung: usize, bytes: Bytes, init: Bytes) {
        let mut waiting = self.waiting.values_mut();
        if let Some(base) = waiting.find(|waiting| waiting.segment == segment) {
            base.layers.push(bytes);
            base.inits.push(init);
            base.rung = rung;
        }
    }

    /// The viewer jumped: what is here will not be seen.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The next segment to hand on, if any is. `seeks` says whether seeks are still planned.
    pub(super) fn next(&mut self, session: &Session, seeks: bool) -> Option<Segment> {
        while let Some(play) = session.log().plays.get(self.shown) {
            self.shown += 1;
            let mut pieces = self
                .waiting
                .range((play.segment, 0)..=(play.segment, u64::MAX));
            if let Some(key) = pieces.next().map(|(key, _)| *key) {
                return self.waiting.remove(&key);
            }
        }
        let first = self.waiting.first_entry()?;
        let settled = first.key().0 < session.settled() || !first.get().whole;
        (settled && !seeks).then(|| first.remove())
    }

    /// What is left at the end, in order.
    pub(super) fn rest(&mut self) -> Option<Segment> {
        Some(self.waiting.pop_first()?.1)
    }
}
