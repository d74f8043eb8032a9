//! What can go wrong while answering, and the one place that turns it into an HTTP status.

use super::headers::FAILURE;
use crate::manifest::ManifestError;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use std::io;
use std::sync::Arc;

/// What errors are told in.
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Why a request, or the start of the origin, failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// There is nothing of that name.
    #[error("{path}: not found")]
    NotFound {
        /// What was asked for, relative to the root.
        path: String,
    },
    /// A query that makes no sense.
    #[error("query `{part}`: {problem}")]
    Query {
        /// The parameter.
        part: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The store did not answer, or not with what it promised.
    #[error("{}: the store failed: {source}", named(path))]
    Store {
        /// What was asked of it, relative to the root; empty for the root.
        path: String,
        /// What it said.
        source: Arc<object_store::Error>,
    },
    /// The store did not answer in time.
    #[error("{}: the store did not answer in time", named(path))]
    Late {
        /// What was asked of it, relative to the root.
        path: String,
    },
    /// The store gave another number of bytes than it had promised.
    #[error("{path}: the store gave {got} bytes, {expected} were expected")]
    Length {
        /// What was asked of it, relative to the root.
        path: String,
        /// Bytes that came.
        got: u64,
        /// Bytes that should have.
        expected: u64,
    },
    /// A file that must not change was replaced while it was being read.
    #[error("{path}: it was replaced while it was being read")]
    Changed {
        /// The file, relative to the root.
        path: String,
    },
    /// A published manifest makes no sense.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A published file is not what its place promises.
    #[error("{path}: {problem}")]
    Damaged {
        /// The file, relative to the root.
        path: String,
        /// What is wrong with it.
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
}

/// A path relative to the root, which has a name, too.
fn named(path: &str) -> &str {
    match path {
        "" => "the list of titles",
        path => path,
    }
}

impl OriginError {
    /// The HTTP status that says the same.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::Query { .. } => StatusCode::BAD_REQUEST,
            Self::Store { .. } | Self::Length { .. } | Self::Changed { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Late { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::Manifest(_) | Self::Damaged { .. } | Self::Root { .. } | Self::Log { .. } => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    pub(super) fn not_found(path: impl Into<String>) -> Self {
        Self::NotFound { path: path.into() }
    }

    pub(super) fn damaged(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.into(),
            problem: problem.into(),
        }
    }

    pub(super) fn late(path: &str) -> Self {
        let path = path.to_owned();
        Self::Late { path }
    }

    /// Whether the store is to blame, and not what was asked or what was published.
    pub(super) fn is_of_store(&self) -> bool {
        matches!(
            self,
            Self::Store { .. } | Self::Late { .. } | Self::Length { .. } | Self::Changed { .. }
        )
    }

    /// Whether the same question may be answered in a moment.
    pub(super) fn may_pass(&self) -> bool {
        self.is_of_store() && !matches!(self, Self::Changed { .. }) && !self.is_denied()
    }

    /// Whether the store does not let us read this. S3 says so too of what is not there, to those
    /// who may not list.
    pub(super) fn is_denied(&self) -> bool {
        let Self::Store { source, .. } = self else {
            return false;
        };
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&**source);
        while let Some(error) = cause {
            let io = error.downcast_ref::<io::Error>();
            let of_store = error.downcast_ref::<object_store::Error>();
            if io.is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
                || matches!(of_store, Some(object_store::Error::PermissionDenied { .. }))
            {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// One word for what went wrong, for counting.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Late { .. } => "late",
            Self::Length { .. } => "length",
            Self::Changed { .. } => "changed",
            _ => "failed",
        }
    }

    /// What may be told to anyone: nothing of the store but that it failed.
    pub(super) fn public(&self) -> String {
        match self {
            Self::Store { path, .. } => format!("{}: the store failed", named(path)),
            other => other.to_string(),
        }
    }

    /// What the file system said about `path`.
    pub(super) fn io(path: &str, error: io::Error) -> Self {
        use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
        match error.kind() {
            NotFound | NotADirectory | InvalidFilename | InvalidInput => Self::not_found(path),
            _ => Self::Store {
                path: path.to_owned(),
                source: Arc::new(object_store::Error::Generic {
                    store: "folder",
                    source: Box::new(error),
                }),
            },
        }
    }

    /// What the store said about `path`.
    pub(super) fn store(path: &str, source: object_store::Error) -> Self {
        let path = path.to_owned();
        match source {
            object_store::Error::NotFound { .. } => Self::NotFound { path },
            object_store::Error::Precondition { .. } => Self::Changed { path },
            source => Self::Store {
                path,
                source: Arc::new(source),
            },
        }
    }
}

impl IntoResponse for OriginError {
    /// The status with one line of text; caches keep it for a second at most. Details of the
    /// store stay in the log.
    fn into_response(self) -> Response {
        let status = self.status();
        let text = self.public() + "\n";
        if status.is_server_error() {
            tracing::error!(%status, "{self}");
        }
        let headers = [(CONTENT_TYPE, PLAIN), (CACHE_CONTROL, FAILURE)];
        (status, headers, text).into_response()
    }
}
