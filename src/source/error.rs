//! Errors of inputs, always with the file's name.

use std::io;
use std::path::{Path, PathBuf};

/// An input that cannot be read as frames of one size.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The file system reported an error.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// An input that is empty, malformed or of another kind than expected.
    #[error("{}: {reason}", path.display())]
    Invalid {
        /// The input, or the file or folder in it.
        path: PathBuf,
        /// The place, and found and expected values.
        reason: String,
    },
    /// `ffmpeg` or `ffprobe` is not installed.
    #[error("{}: reading this kind of file needs `{program}` on the PATH, where it was not found; \
        install ffmpeg, or pass a folder of PNG or JPEG images or a .y4m file", path.display())]
    FfmpegMissing {
        /// The input.
        path: PathBuf,
        /// Which of the two programs.
        program: &'static str,
    },
    /// A damaged or truncated input.
    #[error("{}: damaged or truncated: {read} could be read{}; {said}; --allow-damaged accepts a partial input",
        path.display(), promised.as_ref().map_or_else(String::new, |promised| format!(" of {promised}")))]
    Damaged {
        /// The input.
        path: PathBuf,
        /// How much was read, such as `12 frames`.
        read: String,
        /// Expected amount, if the input states it.
        promised: Option<String>,
        /// Message of the reader.
        said: String,
    },
    /// An unsupported picture size.
    #[error("{}x{} pixels: {reason}", size.0, size.1)]
    Size {
        /// Width and height.
        size: (u32, u32),
        /// Reason, with the expected sizes.
        reason: String,
    },
}

impl SourceError {
    /// Whether the input can be read in part with [`Options::allow_damaged`](super::Options::allow_damaged).
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }

    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.into();
        Self::Io { path, source }
    }

    pub(super) fn invalid(path: &Path, reason: impl Into<String>) -> Self {
        let (path, reason) = (path.into(), reason.into());
        Self::Invalid { path, reason }
    }

    /// A file or stream without content.
    pub(super) fn empty(path: &Path) -> Self {
        Self::invalid(path, "the file is empty (0 bytes)")
    }
}
