//! Errors of inputs, always with the file's name.

use crate::time::TimeError;
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
    /// A file of 0 bytes.
    #[error("{}: the file is empty (0 bytes)", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A folder without any picture.
    #[error("{}: the folder holds no .png, .jpg, .jpeg or other picture", path.display())]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A pattern that matches no file.
    #[error("{}: {reason}", path.display())]
    Pattern {
        /// The pattern.
        path: PathBuf,
        /// Reason.
        reason: String,
    },
    /// An image that does not decode.
    #[error("{}: not a readable PNG or JPEG: {reason}", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// Error of the decoder.
        reason: String,
    },
    /// An image of another size than the folder's first.
    #[error("{}: this picture is {}x{}, the ones before are {}x{}: all must have one size",
        path.display(), got.0, got.1, expected.0, expected.1)]
    MixedSizes {
        /// The first image that differs.
        path: PathBuf,
        /// Width and height of the first image.
        expected: (u32, u32),
        /// Width and height of this one.
        got: (u32, u32),
    },
    /// A malformed y4m stream.
    #[error("{}: y4m, {place}: {reason}", path.display())]
    Y4m {
        /// The file, or `-`.
        path: PathBuf,
        /// `header`, or which frame, counted from 0.
        place: String,
        /// Found and expected values.
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
    /// `ffmpeg` could not read the input, or stopped in the middle of it.
    #[error("{}: {reason}", path.display())]
    Ffmpeg {
        /// The input.
        path: PathBuf,
        /// Message of the program.
        reason: String,
    },
    /// A damaged or truncated input.
    #[error("{}: damaged or truncated: {read} could be read{}; {said}; --allow-damaged accepts a partial input",
        path.display(), promise(promised.as_deref()))]
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
    /// An invalid recipe.
    #[error("{}: recipe, {place}: {reason}", path.display())]
    Recipe {
        /// The recipe.
        path: PathBuf,
        /// The field, such as `shots[2].from`.
        place: String,
        /// Found and expected values.
        reason: String,
    },
    /// An unsupported frame rate.
    #[error("{}: {source}", path.display())]
    Rate {
        /// The input.
        path: PathBuf,
        /// Reason.
        source: TimeError,
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

fn promise(promised: Option<&str>) -> String {
    promised.map_or_else(String::new, |promised| format!(" of {promised}"))
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

    pub(super) fn rate(path: &Path, source: TimeError) -> Self {
        let path = path.into();
        Self::Rate { path, source }
    }

    pub(super) fn y4m(path: &Path, place: impl Into<String>, reason: impl Into<String>) -> Self {
        let (path, place, reason) = (path.into(), place.into(), reason.into());
        Self::Y4m {
            path,
            place,
            reason,
        }
    }
}
