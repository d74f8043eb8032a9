//! Errors of building, publishing and reading a title.

use crate::claim::ClaimError;
use crate::manifest::ManifestError;
use crate::segment::SegmentError;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

/// Why a title cannot be built, published or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// A media file or segment is damaged, or cannot be written.
    #[error("{file}: {source}")]
    Segment {
        /// File, or name of the rung to be written, and the segment.
        file: String,
        /// Error with its place.
        source: SegmentError,
    },
    /// A manifest is damaged, or cannot be written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A title, file, folder or object that is not as expected.
    #[error("{place}: {problem}")]
    Invalid {
        /// File, folder, object or id of a rung.
        place: String,
        /// The fault, with the expected state.
        problem: String,
    },
    /// The object store refused.
    #[error("{place}: {source}")]
    Store {
        /// The store or the object.
        place: String,
        /// Error of the store.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A URL that names no object store.
    #[cfg(feature = "net")]
    #[error(transparent)]
    StoreUrl(#[from] crate::store::StoreUrlError),
    /// Another process holds a folder or a title's lock, or a marker is not this program's.
    #[error(transparent)]
    Claim(#[from] ClaimError),
}

impl PackageError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(super) fn segment(file: impl Into<String>) -> impl FnOnce(SegmentError) -> Self {
        let file = file.into();
        move |source| Self::Segment { file, source }
    }

    pub(crate) fn invalid(place: impl Display, problem: impl Into<String>) -> Self {
        Self::Invalid {
            place: place.to_string(),
            problem: problem.into(),
        }
    }

    #[cfg(feature = "net")]
    pub(super) fn store(place: &str) -> impl FnOnce(object_store::Error) -> Self {
        let place = place.to_owned();
        move |source| Self::Store {
            place,
            source: Box::new(source),
        }
    }
}
