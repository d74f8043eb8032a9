//! Segments that have arrived and are not handed on yet, because they may still change.
//!
//! A buffered segment may be fetched again on a higher rung, and a seek empties the buffer. What
//! leaves here is what the viewer sees: without either possibility everything at once, else a segment
//! when the session says that it is settled, or, while seeks are planned, when it begins to play.

use super::drive::Segment;
use crate::player::session::Session;
use std::collections::BTreeMap;

/// Segments by number.
#[derive(Debug, Default)]
pub(super) struct Hold {
    waiting: BTreeMap<usize, Segment>,
    /// Entries of the log's plays that were looked at.
    shown: usize,
}

impl Hold {
    /// Takes in a segment; a later one takes the place of an earlier one.
    pub(super) fn put(&mut self, segment: Segment) {
        self.waiting.insert(segment.segment, segment);
    }

    /// The viewer jumped: what is here will not be seen.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// The next segment to hand on, if any is. `seeks` says whether seeks are still planned.
    pub(super) fn next(&mut self, session: &Session, seeks: bool) -> Option<Segment> {
        while let Some(play) = session.log().plays.get(self.shown) {
            self.shown += 1;
            if let Some(segment) = self.waiting.remove(&play.segment) {
                return Some(segment);
            }
        }
        let first = self.waiting.first_entry()?;
        let settled = *first.key() < session.settled();
        (settled && !seeks).then(|| first.remove())
    }

    /// What is left at the end, in order.
    pub(super) fn rest(&mut self) -> Option<Segment> {
        Some(self.waiting.pop_first()?.1)
    }
}
