//! Frames kept in a temporary file, raw: what programs read and what can be looked up again.

use crate::cli::CliError;
use crate::frame::Frame;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// Frames of one size, 8-bit RGB, one after the other without anything between them.
#[derive(Debug)]
pub(super) struct Spool {
    file: NamedTempFile,
    size: (u32, u32),
    frames: u64,
    hash: Sha256,
}

impl Spool {
    /// An empty one for frames of `size`, gone when it is dropped.
    pub(super) fn new(size: (u32, u32)) -> Result<Self, CliError> {
        Ok(Self {
            file: NamedTempFile::new()?,
            size,
            frames: 0,
            hash: Sha256::new(),
        })
    }

    /// Appends a frame.
    pub(super) fn push(&mut self, frame: &Frame) -> Result<(), CliError> {
        if (frame.width(), frame.height()) != self.size {
            let message = format!("{frame:?} does not fit {:?}", self.size);
            return Err(CliError::check(message));
        }
        self.file.write_all(frame.data())?;
        self.hash.update(frame.data());
        self.frames += 1;
        Ok(())
    }

    /// Appends a black frame, for one that was never shown.
    pub(super) fn push_black(&mut self) -> Result<(), CliError> {
        let bytes = self.frame_bytes();
        self.push(&Frame::new(self.size.0, self.size.1, vec![0; bytes])?)
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        self.size
    }

    /// How many frames there are.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// Frame `number`, from 0.
    pub(super) fn frame(&self, number: u64) -> Result<Frame, CliError> {
        let mut data = vec![0; self.frame_bytes()];
        let mut file = File::open(self.path())?;
        file.seek(SeekFrom::Start(number * data.len() as u64))?;
        file.read_exact(&mut data)?;
        Ok(Frame::new(self.size.0, self.size.1, data)?)
    }

    /// SHA-256 of all frames so far, in hexadecimal.
    pub(super) fn digest(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    fn frame_bytes(&self) -> usize {
        3 * self.size.0 as usize * self.size.1 as usize
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Spool;
    use crate::frame::Frame;

    #[test]
    fn frames_come_back_and_other_sizes_do_not_go_in() {
        let mut spool = Spool::new((2, 1)).unwrap();
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
