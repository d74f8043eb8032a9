//! The media that a transfer adds to the buffer: a segment, its first samples, a better rung, one more layer;
//! and the buffered segments that may still change.
//!
//! Replacement ("fast switching" in dash.js, `-r left` in Sabre) fetches a buffered segment again
//! when the rung now chosen is higher, nearest to play first. Unlike there, only a segment predicted to
//! arrive in time is fetched, and only while the buffer stays above half of its target.

use super::Session;
use super::activity::Transfer;
use crate::player::abr::View;
use crate::player::buffer::{LEAD_S, Open, Piece, TICK_S};
use crate::player::compute::{Arrival, Device};
use crate::player::event::{Arrived, Form};
use crate::player::log::Outcome;

/// Share of the estimate that an upgrade may count on.
const SAFETY: f64 = 0.8;

impl Session {
    pub(super) fn append(&mut self, transfer: &Transfer) -> Outcome {
        let segment = transfer.segment;
        let start_s = self.ladder.start_s(segment).max(self.enter_s);
        let left_s = self.ladder.start_s(segment + 1) - start_s - self.kept_s;
        self.note(transfer, Form::Whole, self.kept_s);
        self.kept_s = 0.0;
        self.put(transfer, left_s);
        Outcome::Delivered
    }

    /// Notes what `transfer` left; `from_s` seconds of the segment came before it.
    fn note(&mut self, transfer: &Transfer, form: Form, from_s: f64) {
        let before_s = self.enter_s - self.ladder.start_s(transfer.segment);
        self.arrived = Some(Arrived {
            segment: transfer.segment,
            rung: transfer.rung,
            skip_s: before_s.max(from_s),
            form,
        });
    }

    /// Puts `left_s` seconds of what `transfer` brought at the end of the buffer.
    fn put(&mut self, transfer: &Transfer, left_s: f64) {
        let mut piece = Piece::new(transfer.segment, transfer.rung, left_s);
        let arrival = self.arrival(transfer, self.buffer.level_s());
        if let (Some(device), true) = (&mut self.device, left_s > 0.0) {
            piece = device.admit(piece, &arrival, &self.buffer);
        }
        self.buffer.push(piece);
    }

    /// `transfer` as it reaches the decoder, due when `media_s` of the buffer have been played.
    fn arrival(&self, transfer: &Transfer, media_s: f64) -> Arrival {
        Arrival {
            bytes: transfer.received,
            due_s: self.resumes_s() + media_s / self.playhead.rate,
            now_s: self.clock_s,
        }
    }

    /// Keeps the whole samples of an abandoned transfer; the rest of the segment comes from the other rung.
    pub(super) fn keep(&mut self, transfer: &Transfer) {
        let (segment, rung) = (transfer.segment, transfer.rung);
        let kept_s = match transfer.playable_s {
            Some(seconds) => seconds.min(self.ladder.duration_s(segment)),
            None => self.ladder.prefix_s(segment, rung, transfer.received),
        };
        // After a seek into the segment its start is not wanted.
        if kept_s <= self.kept_s + TICK_S || self.enter_s > self.ladder.start_s(segment) {
            return;
        }
        let left_s = kept_s - self.kept_s;
        self.note(transfer, Form::Part, self.kept_s);
        self.put(transfer, left_s);
        self.kept_s = kept_s;
        self.barred.push(segment);
        self.arrived();
    }

    /// Puts a higher rung, or one more layer, in the place of a buffered segment.
    pub(super) fn upgrade(&mut self, transfer: &Transfer) -> Outcome {
        let (segment, rung) = (transfer.segment, transfer.rung);
        if !self.open().any(|open| open.segment == segment) {
            return Outcome::TooLate;
        }
        let arrival = self.arrival(transfer, 0.0);
        let ready_s = match &mut self.device {
            None => Some(f64::NEG_INFINITY),
            Some(device) => device.replace(&mut self.buffer, segment, rung, &arrival),
        };
        let Some(ready_s) = ready_s else {
            return Outcome::TooLate;
        };
        self.buffer.raise(segment, rung, ready_s);
        if self.ladder.is_layered() {
            self.note(transfer, Form::Layer, 0.0);
            return Outcome::Added;
        }
        self.note(transfer, Form::Whole, 0.0);
        let delivered = (segment, Outcome::Delivered);
        let mut requests = self.log.requests.iter_mut().rev();
        if let Some(first) = requests.find(|r| (r.segment, r.outcome) == delivered) {
            first.outcome = Outcome::Replaced;
        }
        if segment + 1 == self.next {
            self.last_rung = Some(rung);
        }
        Outcome::Delivered
    }

    /// Whether `piece`, which plays in so many seconds, may still change.
    fn is_open(&self, piece: &Piece, plays_in_s: f64) -> bool {
        let begun = |device: &Device| device.has_begun(&self.buffer, piece.segment, self.clock_s);
        let frozen = self.device.as_ref().is_some_and(begun);
        !frozen && plays_in_s >= LEAD_S && !self.barred.contains(&piece.segment)
    }

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

    /// Whether the upgrade in flight would arrive too late, with `left` bytes at `rate` bytes a second.
    pub(super) fn comes_too_late(&self, segment: usize, left: u64, rate: f64) -> bool {
        let open = self.open().find(|open| open.segment == segment);
        let left_s = left as f64 / rate;
        open.is_none_or(|open| left_s > self.playhead.lasts_s(open.plays_in_s - LEAD_S))
    }
}
