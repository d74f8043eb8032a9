//! When each frame of a real-time stream is due.
//!
//! A frame is written no earlier than its due time. A late frame is written at once and delays all
//! later ones by as much, as a player that stalled resumes where it stopped.

use crate::time::FrameRate;
use std::time::Duration;

/// Due times of frames at a constant rate, counted from the first frame.
#[derive(Debug, Clone)]
pub(super) struct Timetable {
    frame_rate: FrameRate,
    next: u64,
    shift: Duration,
}

/// When the next frame is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// After this wait.
    Wait(Duration),
    /// Now, late by this much.
    Now(Duration),
}

impl Timetable {
    /// A timetable whose first frame is due at time 0.
    pub(super) fn new(frame_rate: FrameRate) -> Self {
        Self {
            frame_rate,
            next: 0,
            shift: Duration::ZERO,
        }
    }

    /// Length of one frame.
    pub(super) fn frame(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.frame_rate.fps())
    }

    /// When the next frame is due, as seen at `now`. A frame late by more than its own length shifts
    /// the timetable.
    pub(super) fn next(&mut self, now: Duration) -> Due {
        let planned = Duration::from_secs_f64(self.frame_rate.time_of(self.next).seconds());
        let due = planned + self.shift;
        self.next += 1;
        if let Some(early) = due.checked_sub(now).filter(|early| !early.is_zero()) {
            return Due::Wait(early);
        }
        let late = now.saturating_sub(due);
        if late > self.frame() {
            self.shift += late;
        }
        Due::Now(late)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_shifts_the_timetable_and_jitter_does_not() {
        let ms = Duration::from_millis;
        let mut table = Timetable::new(FrameRate::new(20, 1).unwrap());
        assert_eq!(table.next(ms(0)), Due::Now(ms(0)));
        assert_eq!(table.next(ms(10)), Due::Wait(ms(40)));
        assert_eq!(table.next(ms(120)), Due::Now(ms(20)));
        assert_eq!(table.next(ms(120)), Due::Wait(ms(30)));
        assert_eq!(table.next(ms(1200)), Due::Now(ms(1000)));
        assert_eq!(table.next(ms(1200)), Due::Wait(ms(50)));
    }
}
