//! Errors of building, publishing and reading a title.

use crate::claim::ClaimError;
use crate::manifest::ManifestError;
use crate::prompt::PromptError;
use crate::segment::SegmentError;
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
    /// A manifest names a file that is not there.
    #[error("{}: names {url}, which is missing", manifest.display())]
    MissingFile {
        /// The manifest.
        manifest: PathBuf,
        /// The file, as it names it.
        url: String,
    },
    /// A media file or segment is damaged, or cannot be written.
    #[error("{file}: {source}")]
    Segment {
        /// File, or name of the rung to be written, and the segment.
        file: String,
        /// Error with its place.
        source: SegmentError,
    },
    /// The bytes of a keyframe make no prompt.
    #[error("{file}: segment {segment}: {source}")]
    Prompt {
        /// File.
        file: String,
        /// Number of the segment, from 1.
        segment: usize,
        /// What is wrong.
        source: PromptError,
    },
    /// A manifest is damaged, or cannot be written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Rungs that no player could switch between, or files that contradict their manifest.
    #[error("{rung}: {problem}")]
    Mixed {
        /// Id of the rung.
        rung: String,
        /// The difference.
        problem: String,
    },
    /// An object in a store is damaged, or its address is invalid.
    #[error("{place}: {problem}")]
    Damaged {
        /// Place of the object.
        place: String,
        /// The fault.
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
    /// A folder that was to become or hold a title is something else.
    #[error("{}: {problem}", path.display())]
    Occupied {
        /// The file or folder.
        path: PathBuf,
        /// Reason for not writing there.
        problem: String,
    },
    /// A rung or segment that the title does not have.
    #[error("{}: has no {what}", title.display())]
    Absent {
        /// The title.
        title: PathBuf,
        /// The part that was asked for.
        what: String,
    },
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

    pub(super) fn damaged(place: &str, problem: impl Into<String>) -> Self {
        Self::Damaged {
            place: place.to_owned(),
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

    pub(super) fn mixed(rung: &str, problem: impl Into<String>) -> Self {
        Self::Mixed {
            rung: rung.to_owned(),
            problem: problem.into(),
        }
    }
}
