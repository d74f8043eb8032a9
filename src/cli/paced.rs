//! A pipe that is written in real time, on a thread of its own so that frames can be generated
//! while others wait for their moment.

use crate::frame::Frame;
use crate::render::{Pacer, Picture, RenderError, Sink, Y4mPipe};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Frames that may wait for their moment: two seconds at 24 a second, fewer if they are large.
const AHEAD: usize = 48;
/// Bytes that they may take together.
const AHEAD_BYTES: usize = 256 << 20;

/// A y4m stream on stdout, paced.
pub(super) struct Paced {
    frames: Option<SyncSender<Frame>>,
    writer: Option<JoinHandle<Result<(), RenderError>>>,
    late: Arc<AtomicU64>,
}

impl Paced {
    /// Starts the thread; the header goes out with the first frame.
    pub(super) fn stdout(picture: Picture) -> Self {
        let frame = 3 * picture.size.0 as usize * picture.size.1 as usize;
        let ahead = (AHEAD_BYTES / frame.max(1)).clamp(1, AHEAD);
        let (sender, receiver) = sync_channel(ahead);
        let late = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&late);
        let writer = std::thread::spawn(move || write_all(&receiver, picture, &counter));
        Self {
            frames: Some(sender),
            writer: Some(writer),
            late,
        }
    }

    /// Counts frames that went out more than their own length too late.
    pub(super) fn late(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.late)
    }

    /// Waits for the thread.
    fn join(&mut self) -> Result<(), RenderError> {
        self.frames = None;
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) | None => Err(closed()),
        }
    }
}

impl Sink for Paced {
    fn write(&mut self, frame: &Frame) -> Result<(), RenderError> {
        let sent = self
            .frames
            .as_ref()
            .map(|frames| frames.send(frame.clone()));
        match sent {
            Some(Ok(())) => Ok(()),
            // The thread is gone: it knows why.
            _ => self.join().and(Err(closed())),
        }
    }

    fn finish(mut self: Box<Self>) -> Result<(), RenderError> {
        self.join()
    }
}

fn write_all(
    frames: &Receiver<Frame>,
    picture: Picture,
    late_frames: &AtomicU64,
) -> Result<(), RenderError> {
    let mut sink = Box::new(Y4mPipe::new(io::stdout(), picture));
    let mut pacer = Pacer::new(picture.frame_rate);
    let length = Duration::from_secs_f64(1.0 / picture.frame_rate.fps());
    for (number, frame) in frames.iter().enumerate() {
        let late = pacer.wait();
        if late > length {
            late_frames.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(frame = number, ?late, "a frame is late");
        }
        sink.write(&frame)?;
    }
    sink.finish()
}

fn closed() -> RenderError {
    RenderError::Io {
        path: PathBuf::from("-"),
        source: io::ErrorKind::BrokenPipe.into(),
    }
}
