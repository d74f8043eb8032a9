//! Real time for pipes: when each frame is due, and what happens after a stall.
//!
//! Frames go out no earlier than their time; one that is late goes out at once and moves all later
//! ones by as much, as a player that stalled goes on where it stopped.

use crate::time::FrameRate;
use std::time::{Duration, Instant};

/// The timetable of frames at a constant rate. Time is counted from the first frame.
#[derive(Debug, Clone)]
pub struct Timetable {
    frame_rate: FrameRate,
    next: u64,
    shift: Duration,
}

/// What to do with the next frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It is early: wait so long.
    Wait(Duration),
    /// It is due, or late by so much.
    Now(Duration),
}

impl Timetable {
    /// The first frame is due at time 0.
    pub fn new(frame_rate: FrameRate) -> Self {
        Self {
            frame_rate,
            next: 0,
            shift: Duration::ZERO,
        }
    }

    /// Whether the next frame is due at `now`. A frame late by more than its own length shifts
    /// the timetable.
    pub fn next(&mut self, now: Duration) -> Due {
        let planned = Duration::from_secs_f64(self.frame_rate.time_of(self.next).seconds());
        let due = planned + self.shift;
        self.next += 1;
        if let Some(early) = due.checked_sub(now).filter(|early| !early.is_zero()) {
            return Due::Wait(early);
        }
        let late = now.saturating_sub(due);
        if late > Duration::from_secs_f64(1.0 / self.frame_rate.fps()) {
            self.shift += late;
        }
        Due::Now(late)
    }
}

/// A [`Timetable`] on the machine's clock.
#[derive(Debug)]
pub struct Pacer {
    timetable: Timetable,
    start: Option<Instant>,
}

impl Pacer {
    /// Starts with the first frame that is waited for.
    pub fn new(frame_rate: FrameRate) -> Self {
        let timetable = Timetable::new(frame_rate);
        Self {
            timetable,
            start: None,
        }
    }

    /// Sleeps until the next frame is due; returns by how much it is late (usually zero).
    pub fn wait(&mut self) -> Duration {
        let start = *self.start.get_or_insert_with(Instant::now);
        match self.timetable.next(start.elapsed()) {
            Due::Now(late) => late,
            Due::Wait(early) => {
                std::thread::sleep(early);
                Duration::ZERO
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_moves_the_timetable_a_hiccup_does_not() {
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
