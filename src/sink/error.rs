//! Why frames could not be written.

use crate::claim::ClaimError;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

/// A sink that cannot be opened, or refused a frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SinkError {
    /// A file or pipe cannot be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file, or `-` for stdout.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A frame of another size than its stream.
    #[error("a frame of {}x{} in a stream of {}x{}", got.0, got.1, expected.0, expected.1)]
    FrameSize {
        /// Width and height of the frame, pixels.
        got: (u32, u32),
        /// Width and height of the stream, pixels.
        expected: (u32, u32),
    },
    /// A film needs the program `ffmpeg`, which is not installed.
    #[error(
        "{}: needs the program ffmpeg on PATH; a .y4m file or a folder of PNG files does not",
        path.display()
    )]
    NoFfmpeg {
        /// The film.
        path: PathBuf,
    },
    /// `ffmpeg` failed.
    #[error("{}: ffmpeg: {reason}", path.display())]
    Film {
        /// The film.
        path: PathBuf,
        /// The last line that ffmpeg printed, or its exit status.
        reason: String,
    },
    /// A file name with the ending of an unsupported film format.
    #[error(
        "{}: expected .mp4, .mov or .mkv (through ffmpeg), .y4m, - or a folder for PNG files",
        path.display()
    )]
    Unsupported {
        /// The name.
        path: PathBuf,
    },
    /// Another process is writing frames to the same folder.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// An error of a [`Sink`](super::Sink) implemented elsewhere.
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
