//! Segments that have arrived and are not handed on yet, because they may still change.
//!
//! A buffered segment may be fetched again on a higher rung or get one more layer, and a seek empties the
//! buffer. A segment is handed on when it is settled, or, while seeks are to be expected, when it begins to
//! play. The part left by an abandoned transfer is always settled.

use super::action::Segment;
use crate::player::event::{Arrived, Form};
use crate::player::index::Index;
use crate::player::session::Session;
use bytes::Bytes;
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(super) struct Held {
    /// By number and, where a segment is in several pieces, by where the piece begins.
    pub(super) waiting: BTreeMap<(usize, u64), Segment>,
    /// Entries of the log's plays already handled.
    shown: usize,
}

impl Held {
    /// Adds the `bytes` of what arrived; a later segment replaces an earlier one, a layer goes on top.
    pub(super) fn put(&mut self, arrived: Arrived, bytes: Bytes, index: &Index) {
        let Arrived {
            segment,
            rung,
            skip_s,
            form,
        } = arrived;
        let init = index.init(rung).cloned();
        if form == Form::Layer {
            let mut waiting = self.waiting.values_mut();
            if let Some(base) = waiting.find(|waiting| waiting.segment == segment) {
                base.layers.push(bytes);
                base.inits.extend(init);
                base.rung = rung;
            }
            return;
        }
        let from_us = (skip_s * 1e6).round() as u64;
        let segment = Segment {
            segment,
            rung,
            bytes,
            layers: Vec::new(),
            inits: init.into_iter().collect(),
            whole: form == Form::Whole,
            skip_s,
            most_frames: index.most_frames(segment, rung),
        };
        self.waiting.insert((segment.segment, from_us), segment);
    }

    /// The next segment to hand on, if any is; with `shown_only`, one that has begun to play.
    pub(super) fn next(&mut self, session: &Session, shown_only: bool) -> Option<Segment> {
        while let Some(play) = session.log().plays.get(self.shown) {
            self.shown += 1;
            let all = (play.segment, 0)..=(play.segment, u64::MAX);
            if let Some(key) = self.waiting.range(all).next().map(|(key, _)| *key) {
                return self.waiting.remove(&key);
            }
        }
        let first = self.waiting.first_entry()?;
        let settled = first.key().0 < session.settled() || !first.get().whole;
        (settled && !shown_only).then(|| first.remove())
    }
}
