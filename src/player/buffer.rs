//! The playback buffer: media that has arrived and is not yet played, in play order.
//!
//! One queue: a piece carries its generation job while that runs, so that media and the work on it cannot fall
//! out of step. Independent of bytes and of the clock: the caller gives the time played.

use super::compute::Job;
use std::collections::VecDeque;

/// Spans of time below this are rounding, not media: one nanosecond.
pub(crate) const TICK_S: f64 = 1e-9;

/// A segment that plays sooner than this is not changed any more: the renderer has it. Seconds.
pub(crate) const LEAD_S: f64 = 1.0;

/// A buffered segment that may still be replaced, or get one more layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Open {
    pub(crate) segment: usize,
    pub(crate) rung: usize,
    /// Media time until it plays, seconds.
    pub(crate) plays_in_s: f64,
}

/// A segment, or the part of one that an abandoned transfer or a seek left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Piece {
    pub(crate) segment: usize,
    pub(crate) rung: usize,
    /// Media left to play, seconds; 0 once played.
    pub(crate) left_s: f64,
    /// When its first frame can be shown, session clock, seconds.
    pub(crate) ready_s: f64,
    /// Whether some of it was played.
    pub(crate) begun: bool,
    /// Its generation, until that is finished; `None` too where generation takes no time.
    pub(crate) job: Option<Job>,
}

impl Piece {
    pub(crate) fn new(segment: usize, rung: usize, left_s: f64) -> Self {
        Self {
            segment,
            rung,
            left_s,
            ready_s: f64::NEG_INFINITY,
            begun: false,
            job: None,
        }
    }

    fn is_played(&self) -> bool {
        self.left_s <= 0.0
    }
}

/// The playback buffer. Its level is never negative.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buffer {
    /// Pieces not yet played, before them those whose generation is not finished.
    pub(super) pieces: VecDeque<Piece>,
    level_s: f64,
}

impl Buffer {
    /// Seconds of media in the buffer, at least 0.
    pub(crate) fn level_s(&self) -> f64 {
        self.level_s
    }

    pub(crate) fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter().filter(|piece| !piece.is_played())
    }

    pub(crate) fn front(&self) -> Option<&Piece> {
        self.pieces().next()
    }

    /// Appends a piece; one without time is dropped.
    pub(crate) fn push(&mut self, piece: Piece) {
        if piece.left_s > 0.0 {
            self.pieces.push_back(piece);
            self.level_s += piece.left_s;
        }
    }

    /// Plays `wanted_s` of media at `rate` media seconds a clock second from `from_s` on. Calls `played` with
    /// each piece, its media seconds, and its beginning if that was now. Returns the media played, less where
    /// the next piece is not ready.
    pub(crate) fn play(
        &mut self,
        from_s: f64,
        wanted_s: f64,
        rate: f64,
        mut played: impl FnMut(&Piece, f64, Option<f64>),
    ) -> f64 {
        let wanted_s = wanted_s.max(0.0);
        let mut left = wanted_s;
        for piece in self.pieces.iter_mut().filter(|piece| !piece.is_played()) {
            let at_s = from_s + (wanted_s - left) / rate;
            if left <= 0.0 || (!piece.begun && piece.ready_s > at_s) {
                break;
            }
            let media_s = left.min(piece.left_s);
            played(piece, media_s, (!piece.begun).then_some(at_s));
            piece.begun = true;
            piece.left_s -= media_s;
            left -= media_s;
            if piece.left_s > TICK_S {
                break;
            }
            piece.left_s = 0.0;
        }
        self.sweep();
        let total = wanted_s - left;
        self.level_s = match self.front() {
            Some(_) => (self.level_s - total).max(0.0),
            None => 0.0,
        };
        total
    }

    pub(super) fn sweep(&mut self) {
        let done = |piece: &Piece| piece.is_played() && piece.job.is_none();
        while self.pieces.front().is_some_and(done) {
            self.pieces.pop_front();
        }
    }

    /// Replaces the piece of `segment` by `rung`, ready at `ready_s`.
    pub(crate) fn raise(&mut self, segment: usize, rung: usize, ready_s: f64) {
        let mut pieces = self.pieces.iter_mut().filter(|piece| !piece.is_played());
        if let Some(piece) = pieces.find(|piece| piece.segment == segment) {
            (piece.rung, piece.ready_s) = (rung, ready_s);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.pieces.clear();
        self.level_s = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(segment: usize, left_s: f64) -> Piece {
        Piece::new(segment, segment % 3, left_s)
    }

    #[test]
    fn plays_in_order_and_stops_when_dry() {
        let mut buffer = Buffer::default();
        buffer.push(piece(0, 2.0));
        buffer.push(piece(1, 2.0));
        let mut seen = Vec::new();
        let mut see = |piece: &Piece, media_s, began_s| seen.push((piece.rung, media_s, began_s));
        assert_eq!(buffer.play(1.0, 3.0, 1.0, &mut see), 3.0);
        assert_eq!(buffer.level_s(), 1.0);
        assert_eq!(buffer.play(4.0, 5.0, 1.0, &mut see), 1.0);
        let steps = [(0, 2.0, Some(1.0)), (1, 1.0, Some(3.0)), (1, 1.0, None)];
        assert_eq!(seen, steps);
        assert_eq!(buffer.level_s(), 0.0);
        assert!(buffer.pieces.is_empty());
    }

    #[test]
    fn waits_for_a_piece_that_is_not_ready_and_plays_at_the_rate_asked_for() {
        let mut buffer = Buffer::default();
        buffer.push(piece(0, 2.0));
        buffer.push(Piece {
            ready_s: 7.5,
            ..piece(1, 2.0)
        });
        assert_eq!(buffer.play(5.0, 9.0, 2.0, |_, _, _| ()), 2.0);
        assert_eq!(buffer.level_s(), 2.0);
        buffer.raise(1, 2, 6.0);
        let check = |piece: &Piece, _, began_s| assert_eq!((piece.rung, began_s), (2, Some(7.0)));
        assert_eq!(buffer.play(7.0, 9.0, 1.0, check), 2.0);
    }
}
