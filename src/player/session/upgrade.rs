//! Buffered segments that may still change.
//!
//! Replacement ("fast switching" in dash.js, `-r left` in Sabre) fetches a buffered segment again
//! when the rung now chosen is higher, nearest to play first. Unlike there, only a segment predicted to
//! arrive in time is fetched, and only while the buffer stays above half of its target.

use super::Session;
use crate::player::abr::View;
use crate::player::buffer::{LEAD_S, Open, Piece};
use crate::player::compute::Device;

/// Share of the estimate that an upgrade may count on.
const SAFETY: f64 = 0.8;

impl Session {
    /// Whether `piece`, which plays in so many seconds, may still change.
    fn is_open(&self, piece: &Piece, plays_in_s: f64) -> bool {
        let begun = |device: &Device| device.has_begun(&self.buffer, piece.segment, self.clock_s);
        let frozen = self.device.as_ref().is_some_and(begun);
        !frozen && plays_in_s >= LEAD_S && !self.barred.contains(&piece.segment)
    }

    /// Buffered segments that may still change, next to play first.
    pub(super) fn open(&self) -> impl Iterator<Item = Open> + '_ {
        let mut plays_in_s = 0.0;
        let dated = self.buffer.pieces().map(move |piece| {
            let at = plays_in_s;
            plays_in_s += piece.left_s;
            (piece, at)
        });
        let open = dated.filter(|(piece, at)| self.is_open(piece, *at));
        open.map(|(piece, at)| Open {
            segment: piece.segment,
            rung: piece.rung,
            plays_in_s: at,
        })
    }

    /// Segments before this number change no more: they can be handed on.
    pub fn settled(&self) -> usize {
        if !self.guards.replacement && !self.ladder.is_layered() {
            return self.next;
        }
        let first = self.open().next();
        first.map_or(self.next, |open| open.segment)
    }

    /// The buffered segment to fetch again from `rung`, instead of the next one, if the guard is on.
    pub(super) fn to_replace(&self, view: &View<'_>, rung: usize) -> Option<usize> {
        let estimate = view.throughput_kbps.filter(|_| self.guards.replacement)?;
        let rate = SAFETY * estimate * 125.0;
        let spare_s = view.buffer_s - view.buffer_target_s / 2.0;
        let fits = |open: &Open| {
            let took_s = view.latency_s + self.ladder.size(open.segment, rung) as f64 / rate;
            open.rung < rung && took_s <= (open.plays_in_s - LEAD_S).min(spare_s)
        };
        self.open().find(fits).map(|open| open.segment)
    }

    /// Whether the buffered segment in flight would arrive too late, with `left` bytes at `rate` bytes a
    /// second.
    pub(super) fn comes_too_late(&self, segment: usize, left: u64, rate: f64) -> bool {
        let open = self.open().find(|open| open.segment == segment);
        let left_s = left as f64 / rate;
        open.is_none_or(|open| left_s > self.playhead.lasts_s(open.plays_in_s - LEAD_S))
    }
}
