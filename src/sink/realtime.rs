//! A y4m stream written at its frame rate, for a viewer such as `ffplay -` at the end of a pipe.

use super::error::SinkError;
use super::format::{FrameFormat, Sink};
use super::pace::{Due, Timetable};
use super::y4m::Y4mPipe;
use crate::frame::Frame;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A y4m stream to a writer in real time: [`Sink::write`] blocks until the frame is due.
#[derive(Debug)]
pub struct Realtime<W: Write> {
    pipe: Box<Y4mPipe<W>>,
    timetable: Timetable,
    /// When the first frame was written.
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

    /// Sleeps until the next frame is due; returns how late it is.
    fn wait(&mut self) -> Duration {
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

impl<W: Write> Sink for Realtime<W> {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let late = self.wait();
        if late > self.timetable.frame() {
            self.late.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(?late, "a frame is late");
        }
        self.pipe.write(frame)
    }

    fn finish(self: Box<Self>) -> Result<(), SinkError> {
        self.pipe.finish()
    }
}
