//! Health checks: whether the process lives, and whether a load balancer should send requests.

use super::origin::Origin;
use crate::origin::http::headers;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::time::Duration;

/// Time limit for listing the store.
const PATIENCE: Duration = Duration::from_secs(2);

/// `/healthz`: the process answers.
pub(super) async fn live() -> impl IntoResponse {
    ([(CACHE_CONTROL, headers::NO_STORE)], "ok\n")
}

/// `/readyz`: 200 while the store can be listed and the origin is not stopping, else 503. Titles
/// are served from then on, before the first catalogue is complete.
pub(super) async fn ready(State(origin): State<Origin>) -> Response {
    let (titles, reason) = if origin.is_stopping() {
        (None, Some("stopping"))
    } else {
        match tokio::time::timeout(PATIENCE, origin.shared.listing.folders()).await {
            Ok(Ok(folders)) => (Some(folders.names.len()), None),
            Ok(Err(_)) => (None, Some("the store cannot be listed")),
            Err(_) => (None, Some("the store does not answer")),
        }
    };
    let ready = reason.is_none();
    let status = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let readiness = json!({ "ready": ready, "titles": titles, "reason": reason });
    let fields = [(CACHE_CONTROL, headers::NO_STORE)];
    (status, fields, Json(readiness)).into_response()
}
