//! A y4m stream written at its frame rate, for a viewer such as `ffplay -` at the end of a pipe.
//!
//! A frame is written no earlier than its due time. A late frame is written at once and delays all
//! later ones by as much, as a player that stalled resumes where it stopped.

use super::error::SinkError;
use super::format::{FrameFormat, Sink};
use super::y4m::Y4mPipe;
use crate::frame::Frame;
use crate::time::FrameRate;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A y4m stream to a writer in real time: [`Sink::write`] blocks until the frame is due.
#[derive(Debug)]
pub struct Realtime<W: Write> {
    pipe: Box<Y4mPipe<W>>,
    timetable: Timetable,
    start: Option<Instant>,
    late: Arc<AtomicU64>,
}

impl<W: Write> Realtime<W> {
    /// A stream of frames of `format`. The clock starts with the first frame.
    pub fn new(out: W, format: FrameFormat) -> Self {
        Self {
            pipe: Box::new(Y4mPipe::new(out, format)),
            timetable: Timetable::new(format.frame_rate),
            start: None,
            late: Arc::default(),
        }
    }

    /// Counter of frames written more than their own length too late.
    pub fn late_frames(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.late)
    }
}

impl<W: Write> Sink for Realtime<W> {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let start = *self.start.get_or_insert_with(Instant::now);
        let (early, late) = self.timetable.next(start.elapsed());
        std::thread::sleep(early);
        if self.timetable.is_late(late) {
            self.late.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(?late, "a frame is late");
        }
        self.pipe.write(frame)
    }

    fn finish(self: Box<Self>) -> Result<(), SinkError> {
        self.pipe.finish()
    }
}

/// Due times of frames at a constant rate, counted from the first frame.
#[derive(Debug)]
struct Timetable {
    frame_rate: FrameRate,
    next: u64,
    shift: Duration,
}

impl Timetable {
    fn new(frame_rate: FrameRate) -> Self {
        let (next, shift) = (0, Duration::ZERO);
        Self {
            frame_rate,
            next,
            shift,
        }
    }

    /// Time from `now` until the next frame is due, and the time since. A frame late by more than its own
    /// length shifts the timetable.
    fn next(&mut self, now: Duration) -> (Duration, Duration) {
        let planned = Duration::from_secs_f64(self.frame_rate.time_of(self.next).seconds());
        let due = planned + self.shift;
        self.next += 1;
        let late = now.saturating_sub(due);
        if self.is_late(late) {
            self.shift += late;
        }
        (due.saturating_sub(now), late)
    }

    /// Whether a delay is more than the length of a frame.
    fn is_late(&self, late: Duration) -> bool {
        late > Duration::from_secs_f64(1.0 / self.frame_rate.fps())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_shifts_the_timetable_and_jitter_does_not() {
        let mut table = Timetable::new(FrameRate::new(20, 1).unwrap());
        for (now, early, late) in [
            (0, 0, 0),
            (10, 40, 0),
            (120, 0, 20),
            (120, 30, 0),
            (1200, 0, 1000),
            (1200, 50, 0),
        ] {
            let ms = Duration::from_millis;
            assert_eq!(table.next(ms(now)), (ms(early), ms(late)), "{now}");
        }
    }
}
