//! Media that has arrived and is not yet played.
//!
//! A queue of pieces in play order. Knows durations and rungs, not bytes and not the clock: whoever
//! owns it says how much time was played.

use std::collections::VecDeque;

/// Spans of time below this are rounding, not media: one nanosecond.
pub(crate) const TICK_S: f64 = 1e-9;

/// A segment, or what a seek left of it, waiting to be played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    /// Segment number.
    pub segment: usize,
    /// The rung that it came from.
    pub rung: usize,
    /// What is left to play, in seconds.
    pub left_s: f64,
    /// When it can be shown; the session clock, seconds.
    pub ready_s: f64,
    /// Whether some of it was played.
    pub begun: bool,
}

impl Piece {
    /// A piece of which nothing was played, ready at `ready_s`.
    pub fn new(segment: usize, rung: usize, left_s: f64, ready_s: f64) -> Self {
        Self {
            segment,
            rung,
            left_s,
            ready_s,
            begun: false,
        }
    }
}

/// A span of play within one piece.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Segment number.
    pub segment: usize,
    /// The rung that it came from.
    pub rung: usize,
    /// How long, seconds.
    pub seconds: f64,
    /// When the piece began, if it did in this span.
    pub began_s: Option<f64>,
}

/// The playback buffer. Its level is never negative.
#[derive(Debug, Clone, Default)]
pub struct Buffer {
    pieces: VecDeque<Piece>,
    level_s: f64,
}

impl Buffer {
    /// Seconds of media in the buffer, at least 0.
    pub fn level_s(&self) -> f64 {
        self.level_s
    }

    /// What plays next, first.
    pub fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter()
    }

    /// Appends a piece; one without time is dropped.
    pub fn push(&mut self, piece: Piece) {
        if piece.left_s > 0.0 {
            self.pieces.push_back(piece);
            self.level_s += piece.left_s;
        }
    }

    /// Plays up to `seconds` from `from_s` on, telling `played` of every piece; returns what was
    /// played, less than asked when the buffer ran dry or the next piece was not ready.
    pub fn play(&mut self, from_s: f64, seconds: f64, mut played: impl FnMut(Step)) -> f64 {
        let mut left = seconds.max(0.0);
        while let Some(piece) = self.pieces.front_mut() {
            let at_s = from_s + (seconds - left);
            if left <= 0.0 || (!piece.begun && piece.ready_s > at_s) {
                break;
            }
            let step = left.min(piece.left_s);
            played(Step {
                segment: piece.segment,
                rung: piece.rung,
                seconds: step,
                began_s: (!piece.begun).then_some(at_s),
            });
            piece.begun = true;
            piece.left_s -= step;
            left -= step;
            if piece.left_s > TICK_S {
                break;
            }
            self.pieces.pop_front();
        }
        let total = seconds.max(0.0) - left;
        self.level_s = if self.pieces.is_empty() {
            0.0
        } else {
            (self.level_s - total).max(0.0)
        };
        total
    }

    /// Puts `rung` in the place of what is there of `segment`, ready at `ready_s`.
    pub fn raise(&mut self, segment: usize, rung: usize, ready_s: f64) {
        let mut pieces = self.pieces.iter_mut();
        if let Some(piece) = pieces.find(|piece| piece.segment == segment) {
            (piece.rung, piece.ready_s) = (rung, ready_s);
        }
    }

    /// The last piece but `after`.
    pub(crate) fn last_but(&mut self, after: usize) -> Option<&mut Piece> {
        self.pieces.iter_mut().rev().nth(after)
    }

    /// None of the last `count` pieces is ready before `until_s`.
    pub(crate) fn postpone(&mut self, count: usize, until_s: f64) {
        for piece in self.pieces.iter_mut().rev().take(count) {
            piece.ready_s = piece.ready_s.max(until_s);
        }
    }

    /// Forgets everything, as a seek does.
    pub fn clear(&mut self) {
        self.pieces.clear();
        self.level_s = 0.0;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn piece(segment: usize, left_s: f64) -> Piece {
        Piece::new(segment, segment % 3, left_s, 0.0)
    }

    #[test]
    fn plays_in_order_and_stops_when_dry() {
        let mut buffer = Buffer::default();
        buffer.push(piece(0, 2.0));
        buffer.push(piece(1, 2.0));
        let mut seen = Vec::new();
        let mut see = |step: Step| seen.push((step.rung, step.seconds, step.began_s));
        assert_eq!(buffer.play(1.0, 3.0, &mut see), 3.0);
        assert_eq!(buffer.level_s(), 1.0);
        assert_eq!(buffer.play(4.0, 5.0, &mut see), 1.0);
        assert_eq!(
            seen,
            [(0, 2.0, Some(1.0)), (1, 1.0, Some(3.0)), (1, 1.0, None)]
        );
        assert_eq!(buffer.level_s(), 0.0);
        assert_eq!(buffer.pieces().count(), 0);
    }

    #[test]
    fn waits_for_a_piece_that_is_not_ready() {
        let mut buffer = Buffer::default();
        buffer.push(piece(0, 2.0));
        buffer.push(Piece::new(1, 0, 2.0, 7.5));
        assert_eq!(buffer.play(5.0, 9.0, |_| ()), 2.0);
        assert_eq!(buffer.level_s(), 2.0);
        buffer.raise(1, 2, 7.0);
        assert_eq!(buffer.play(7.0, 9.0, |step| assert_eq!(step.rung, 2)), 2.0);
    }

    proptest! {
        #[test]
        fn level_is_what_is_left(steps in prop::collection::vec((0.0f64..5.0, 0.0f64..5.0), 1..60)) {
            let mut buffer = Buffer::default();
            let (mut pushed, mut played) = (0.0, 0.0);
            for (index, (push, play)) in steps.into_iter().enumerate() {
                buffer.push(piece(index, push));
                pushed += push;
                played += buffer.play(0.0, play, |step| assert!(step.seconds >= 0.0));
                let sum: f64 = buffer.pieces().map(|p| p.left_s).sum();
                prop_assert!(buffer.level_s() >= 0.0);
                prop_assert!((buffer.level_s() - sum).abs() < 1e-6);
                prop_assert!((pushed - played - sum).abs() < 1e-6);
            }
        }
    }
}
