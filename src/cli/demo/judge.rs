//! A sink that keeps every frame as a PNG and compares it with the original of the same number.

use crate::frame::Frame;
use crate::quality::psnr;
use crate::sink::{PngFolder, Sink, SinkError};
use crate::source::Source;
use std::path::Path;
use std::sync::mpsc::Sender;

/// A frame to look at: the original and what was rendered of it.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) original: Frame,
    pub(super) rendered: Frame,
}

/// What is said about a frame, in order of the frames.
#[derive(Debug)]
pub(super) struct Verdict {
    /// PSNR against the original, dB.
    pub(super) psnr: f64,
    /// The pair of pictures, at the moments that were asked for.
    pub(super) moment: Option<Moment>,
}

/// The sink.
pub(super) struct Judge {
    originals: Source,
    folder: PngFolder,
    wanted: Vec<u64>,
    next: u64,
    verdicts: Sender<Verdict>,
}

impl Judge {
    /// Compares with `originals`, writes to `folder`, sends a verdict a frame to `verdicts`, with
    /// the pictures of the frames that are `wanted`.
    pub(super) fn new(
        originals: Source,
        folder: &Path,
        wanted: &[u64],
        verdicts: Sender<Verdict>,
    ) -> Result<Self, SinkError> {
        Ok(Self {
            originals,
            folder: PngFolder::create(folder)?,
            wanted: wanted.to_vec(),
            next: 0,
            verdicts,
        })
    }
}

impl Sink for Judge {
    fn write(&mut self, frame: &Frame) -> Result<(), SinkError> {
        let original = match self.originals.next() {
            Some(original) => original.map_err(SinkError::other)?,
            None => return Err(SinkError::other(Fewer { frames: self.next })),
        };
        let verdict = Verdict {
            psnr: psnr(&original, frame).map_err(SinkError::other)?,
            moment: self.wanted.contains(&self.next).then(|| Moment {
                original,
                rendered: frame.clone(),
            }),
        };
        self.next += 1;
        // Nobody listens any more only when the demo has already failed elsewhere.
        let _ = self.verdicts.send(verdict);
        self.folder.write(frame)
    }

    fn finish(self: Box<Self>) -> Result<(), SinkError> {
        Box::new(self.folder).finish()
    }
}

/// There are fewer originals than frames.
#[derive(Debug, thiserror::Error)]
#[error("the originals end after {frames} frames, the title goes on: are they of this title?")]
struct Fewer {
    frames: u64,
}
