//! Frames kept in a temporary file as raw RGB, which ffmpeg reads and from which single frames are read
//! again.

use super::EvaluateError;
use crate::frame::Frame;
use crate::segment::hex;
use crate::time::FrameRate;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// Frames of one size, 8-bit RGB, one after the other without headers. The file is removed when
/// this is dropped.
#[derive(Debug)]
pub struct Spool {
    file: NamedTempFile,
    size: (u32, u32),
    rate: FrameRate,
    frames: u64,
    hash: Sha256,
}

impl Spool {
    /// An empty spool for frames of `size`, width and height in pixels, at `rate`.
    pub fn new(size: (u32, u32), rate: FrameRate) -> Result<Self, EvaluateError> {
        Ok(Self {
            file: temporary_file()?,
            size,
            rate,
            frames: 0,
            hash: Sha256::new(),
        })
    }

    /// Appends a frame. Fails for a frame of another size.
    pub fn push(&mut self, frame: &Frame) -> Result<(), EvaluateError> {
        let (found, expected) = ((frame.width(), frame.height()), self.size);
        if found != expected {
            let message = format!("a frame of {found:?} pixels among frames of {expected:?}");
            return Err(EvaluateError::Finding(message));
        }
        let written = self.file.write_all(frame.data());
        written.map_err(EvaluateError::io(self.path()))?;
        self.hash.update(frame.data());
        self.frames += 1;
        Ok(())
    }

    /// Appends a black frame, for a missing one.
    pub fn push_black(&mut self) -> Result<(), EvaluateError> {
        let bytes = self.frame_bytes();
        self.push(&Frame::new(self.size.0, self.size.1, vec![0; bytes])?)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// The frame rate.
    pub fn rate(&self) -> FrameRate {
        self.rate
    }

    /// Number of frames.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Frame `number`, from 0. Fails past the last one.
    pub fn frame(&self, number: u64) -> Result<Frame, EvaluateError> {
        let mut data = vec![0; self.frame_bytes()];
        let read = File::open(self.path()).and_then(|mut file| {
            file.seek(SeekFrom::Start(number * data.len() as u64))?;
            file.read_exact(&mut data)
        });
        read.map_err(EvaluateError::io(self.path()))?;
        Ok(Frame::new(self.size.0, self.size.1, data)?)
    }

    /// SHA-256 of all frames so far, in hexadecimal.
    pub(super) fn digest(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// Bytes of a frame.
    pub(super) fn frame_bytes(&self) -> usize {
        3 * self.size.0 as usize * self.size.1 as usize
    }
}

/// A file in the system's temporary folder.
pub(super) fn temporary_file() -> Result<NamedTempFile, EvaluateError> {
    NamedTempFile::new().map_err(EvaluateError::io(std::env::temp_dir()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_back_and_other_sizes_are_refused() {
        let mut spool = Spool::new((2, 1), FrameRate::new(30, 1).unwrap()).unwrap();
        let frame = |value| Frame::new(2, 1, vec![value; 6]).unwrap();
        spool.push(&frame(1)).unwrap();
        let one = spool.digest();
        spool.push_black().unwrap();
        spool.push(&frame(3)).unwrap();
        assert_eq!(spool.frame(2).unwrap(), frame(3));
        assert_eq!(spool.frame(1).unwrap(), frame(0));
        assert!(spool.frame(3).is_err());
        assert_eq!(spool.frames(), 3);
        assert_ne!(spool.digest(), one);
        assert!(spool.push(&Frame::new(1, 2, vec![0; 6]).unwrap()).is_err());
    }
}
