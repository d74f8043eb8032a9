//! What can go wrong while answering, and the one place that turns it into an HTTP status.

use crate::manifest::ManifestError;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

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
    /// The store did not answer, or not with what it promised.
    #[error("{path}: the store failed: {source}")]
    Store {
        /// What was asked of it, relative to the root.
        path: String,
        /// What it said.
        source: Arc<object_store::Error>,
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
        /// The folder.
        root: String,
        /// Why not.
        problem: String,
    },
}

impl OriginError {
    /// The HTTP status that says the same.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::Store { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Manifest(_) | Self::Damaged { .. } | Self::Root { .. } => {
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

    /// What the store said about `path`.
    pub(super) fn store(path: &str, source: object_store::Error) -> Self {
        let path = path.to_owned();
        match source {
            object_store::Error::NotFound { .. } => Self::NotFound { path },
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
        let text = match &self {
            Self::Store { path, .. } => format!("{path}: the store failed\n"),
            other => format!("{other}\n"),
        };
        if status.is_server_error() {
            tracing::error!(%status, "{self}");
        }
        let headers = [
            (CONTENT_TYPE, "text/plain; charset=utf-8"),
            (CACHE_CONTROL, "public, max-age=1"),
        ];
        (status, headers, text).into_response()
    }
}
