//! Errors of an inspection.

use crate::package::PackageError;
use crate::prompt::PromptError;
use crate::segment::SegmentError;
use std::io;
use std::path::PathBuf;

/// Why a title or a file could not be inspected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The file could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason that the system gives.
        source: io::Error,
    },
    /// The file is larger than is read.
    #[error("{}: {bytes} bytes, more than 2 GiB", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A box is damaged.
    #[error("{place}: {source}")]
    Segment {
        /// The file, and the segment in it.
        place: String,
        /// Place and kind of the damage.
        source: SegmentError,
    },
    /// A prompt cannot be decoded.
    #[error("{place}: {source}")]
    Prompt {
        /// The file and the segment in it.
        place: String,
        /// The damage.
        source: PromptError,
    },
    /// The title could not be opened, or its rungs do not agree.
    #[error(transparent)]
    Package(#[from] PackageError),
}
