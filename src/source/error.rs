//! What can be wrong with an input, always with the file's name.

use crate::time::TimeError;
use std::io;
use std::path::{Path, PathBuf};

/// An input that cannot be read as frames of one size.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
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
    /// A pattern that stands for no file.
    #[error("{}: {reason}", path.display())]
    Pattern {
        /// The pattern.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An image that does not decode.
    #[error("{}: not a readable PNG or JPEG: {reason}", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// What the decoder said.
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
    /// A y4m stream that breaks its format.
    #[error("{}: y4m, {place}: {reason}", path.display())]
    Y4m {
        /// The file, or `-`.
        path: PathBuf,
        /// `header`, or which frame, counted from 0.
        place: String,
        /// What was found and what was expected.
        reason: String,
    },
    /// `ffmpeg` or `ffprobe` is not installed.
    #[error("{}: reading this kind of file needs `{program}` on the PATH, and it is not there; \
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
        /// What the program said.
        reason: String,
    },
    /// An input of which not everything could be read.
    #[error("{}: damaged or cut: {read} could be read{}; {said}; --allow-damaged takes what can be read",
        path.display(), promise(promised.as_deref()))]
    Damaged {
        /// The input.
        path: PathBuf,
        /// How much was read, such as `12 frames`.
        read: String,
        /// How much there should be, where the input says it.
        promised: Option<String>,
        /// What was found, in the words of who found it.
        said: String,
    },
    /// A recipe that does not say how to make frames.
    #[error("{}: recipe, {place}: {reason}", path.display())]
    Recipe {
        /// The recipe.
        path: PathBuf,
        /// The field, such as `shots[2].from`.
        place: String,
        /// What was found and what was expected.
        reason: String,
    },
    /// A frame rate that no title can have.
    #[error("{}: {source}", path.display())]
    Rate {
        /// The input.
        path: PathBuf,
        /// What is wrong with it.
        source: TimeError,
    },
    /// A picture size that no title can have.
    #[error("{}x{} pixels: {reason}", size.0, size.1)]
    Size {
        /// Width and height.
        size: (u32, u32),
        /// What is expected instead.
        reason: String,
    },
}

fn promise(promised: Option<&str>) -> String {
    promised.map_or_else(String::new, |promised| format!(", {promised} are promised"))
}

impl SourceError {
    /// Whether the input can be read in part.
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
