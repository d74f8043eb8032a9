//! Why frames could not be written.

use crate::claim::ClaimError;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

/// A sink that cannot be opened, or refused a frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "messages name the fields")]
pub enum SinkError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("a frame of {}x{} in a stream of {}x{}", got.0, got.1, expected.0, expected.1)]
    FrameSize {
        got: (u32, u32),
        expected: (u32, u32),
    },
    #[error(
        "{}: needs the program ffmpeg on PATH; a .y4m file or a folder of PNG files does not",
        path.display()
    )]
    NoFfmpeg { path: PathBuf },
    #[error("{}: ffmpeg: {reason}", path.display())]
    Film { path: PathBuf, reason: String },
    #[error(
        "{}: expected .mp4, .mov or .mkv (through ffmpeg), .y4m, - or a folder for PNG files",
        path.display()
    )]
    Unsupported { path: PathBuf },
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
}

impl SinkError {
    /// Wraps the error of a [`Sink`](super::Sink) implemented elsewhere.
    pub fn other(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Other(Box::new(cause))
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.into();
        Self::Io { path, source }
    }
}
