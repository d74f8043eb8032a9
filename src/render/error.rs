//! What keeps a segment from becoming frames, or frames from reaching their place.

use std::io;
use std::path::{Path, PathBuf};

/// A segment that cannot be rendered, or frames that cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// An output file or pipe refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file, or `-` for stdout.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A frame of another size than its stream.
    #[error("a frame of {}x{} in a stream of {}x{}", got.0, got.1, expected.0, expected.1)]
    FrameSize {
        /// Width and height of the frame.
        got: (u32, u32),
        /// Width and height of the stream.
        expected: (u32, u32),
    },
}

impl RenderError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.into();
        Self::Io { path, source }
    }
}
