//! Errors of the origin.

use super::settings::SettingsError;
use crate::manifest::ManifestError;
use std::error::Error;
use std::io;
use std::sync::Arc;

/// The result of what may fail so.
pub(super) type Result<T, E = OriginError> = std::result::Result<T, E>;

/// Why a request, or the start of the origin, failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// Nothing has this name.
    #[error("{path}: not found")]
    NotFound {
        /// The requested path, relative to the root.
        path: String,
    },
    /// A query that cannot be understood.
    #[error("query `{part}`: {problem}")]
    Query {
        /// The parameter.
        part: String,
        /// What was expected.
        problem: &'static str,
    },
    /// The store did not answer, or with an error.
    #[error("{}: the store failed: {source}", named(path))]
    Store {
        /// The path that was read, relative to the root; empty for the list of titles.
        path: String,
        /// The store's own error.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The store did not answer in time.
    #[error("{}: the store did not answer in time", named(path))]
    Late {
        /// The path that was read, relative to the root.
        path: String,
    },
    /// The store sent another number of bytes than it had announced.
    #[error("{path}: the store gave {got} bytes, {expected} were expected")]
    Length {
        /// The path that was read, relative to the root.
        path: String,
        /// Bytes received.
        got: u64,
        /// Bytes announced.
        expected: u64,
    },
    /// A file that must not change was replaced while it was being read.
    #[error("{path}: it was replaced while it was being read")]
    Changed {
        /// The file, relative to the root.
        path: String,
    },
    /// A published manifest cannot be parsed.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The content of a published file does not fit its place.
    #[error("{path}: {problem}")]
    Damaged {
        /// The file, relative to the root.
        path: String,
        /// What was expected.
        problem: String,
    },
    /// The root cannot be served.
    #[error("cannot serve {root}: {problem}")]
    Root {
        /// The folder or URL.
        root: String,
        /// Why not.
        problem: String,
    },
    /// The access log cannot be written.
    #[error("cannot write the access log {path}: {problem}")]
    Log {
        /// The file.
        path: String,
        /// Why not.
        problem: String,
    },
    /// A setting has an unusable value.
    #[error(transparent)]
    Settings(#[from] SettingsError),
}

/// `path` for messages; an empty path (the root) reads “the list of titles”.
fn named(path: &str) -> &str {
    if path.is_empty() {
        "the list of titles"
    } else {
        path
    }
}

impl OriginError {
    pub(super) fn not_found(path: impl Into<String>) -> Self {
        Self::NotFound { path: path.into() }
    }

    pub(super) fn damaged(path: impl Into<String>, problem: impl Into<String>) -> Self {
        let (path, problem) = (path.into(), problem.into());
        Self::Damaged { path, problem }
    }

    pub(super) fn root(root: impl Into<String>, problem: impl Into<String>) -> Self {
        let (root, problem) = (root.into(), problem.into());
        Self::Root { root, problem }
    }

    pub(super) fn late(path: &str) -> Self {
        Self::Late { path: path.into() }
    }

    /// Whether the store caused it, and not the request or the publication.
    pub(super) fn is_of_store(&self) -> bool {
        matches!(
            self,
            Self::Store { .. } | Self::Late { .. } | Self::Length { .. } | Self::Changed { .. }
        )
    }

    /// Whether the store caused it other than by refusing access.
    pub(super) fn is_outage(&self) -> bool {
        self.is_of_store() && !self.is_denied()
    }

    /// Whether a retry can succeed.
    pub(super) fn is_transient(&self) -> bool {
        self.is_outage() && !matches!(self, Self::Changed { .. })
    }

    /// Whether the store refused access, as S3 does for absent objects to clients that may not list.
    fn is_denied(&self) -> bool {
        let Self::Store { source, .. } = self else {
            return false;
        };
        let first: &(dyn Error + 'static) = &**source;
        let mut causes = std::iter::successors(Some(first), |error| (*error).source());
        causes.any(|error| {
            let io = error.downcast_ref::<io::Error>();
            let of_store = error.downcast_ref::<object_store::Error>();
            io.is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
                || matches!(of_store, Some(object_store::Error::PermissionDenied { .. }))
        })
    }

    /// Label of a metric.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Late { .. } => "late",
            Self::Length { .. } => "length",
            Self::Changed { .. } => "changed",
            _ => "failed",
        }
    }

    /// Text for clients: without the store's own error, which may name hosts and buckets.
    pub(super) fn public(&self) -> String {
        match self {
            Self::Store { path, .. } => format!("{}: the store failed", named(path)),
            other => other.to_string(),
        }
    }

    /// An error of the file system on `path`.
    pub(super) fn io(path: &str, error: io::Error) -> Self {
        use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
        let (path, kind, source) = (path.to_owned(), error.kind(), Arc::new(error));
        match kind {
            NotFound | NotADirectory | InvalidFilename | InvalidInput => Self::NotFound { path },
            _ => Self::Store { path, source },
        }
    }

    /// An error of the object store on `path`.
    pub(super) fn store(path: &str, source: object_store::Error) -> Self {
        let path = path.to_owned();
        match source {
            object_store::Error::NotFound { .. } => Self::NotFound { path },
            object_store::Error::Precondition { .. } => Self::Changed { path },
            other => {
                let source = Arc::new(other);
                Self::Store { path, source }
            }
        }
    }
}
