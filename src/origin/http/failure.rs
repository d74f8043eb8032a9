//! Errors as HTTP responses: the one place where an error gets its status.

use super::headers::FAILURE;
use crate::origin::error::OriginError;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

fn status(error: &OriginError) -> StatusCode {
    use OriginError as E;
    match error {
        E::NotFound { .. } => StatusCode::NOT_FOUND,
        E::Query { .. } => StatusCode::BAD_REQUEST,
        E::Store { .. } | E::Length { .. } | E::Changed { .. } => StatusCode::SERVICE_UNAVAILABLE,
        E::Late { .. } => StatusCode::GATEWAY_TIMEOUT,
        E::Manifest(_) | E::Damaged { .. } | E::Root { .. } | E::Log { .. } | E::Settings(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

impl IntoResponse for OriginError {
    /// The status with one line of text, which caches may keep for a second. The store's own error
    /// goes to the log only.
    fn into_response(self) -> Response {
        let status = status(&self);
        let text = self.public() + "\n";
        if status.is_server_error() {
            tracing::error!(%status, "{self}");
        }
        let fields = [(CONTENT_TYPE, PLAIN), (CACHE_CONTROL, FAILURE)];
        (status, fields, text).into_response()
    }
}
