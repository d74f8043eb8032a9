//! Whether the process lives, and whether requests should be sent to it.

use super::{Origin, headers};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long the store may take to be listed.
const PATIENCE: Duration = Duration::from_secs(2);

/// `/healthz`: the process answers.
pub(super) async fn live() -> impl IntoResponse {
    ([(CACHE_CONTROL, headers::NO_STORE)], "ok\n")
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    /// Folders of titles.
    titles: Option<usize>,
    /// Why it is not ready.
    reason: Option<String>,
}

/// `/readyz`: 200 while the store can be listed and no stop is under way, else 503. A title can be
/// asked for from then on, whether or not the catalogue has been made.
pub(super) async fn ready(State(origin): State<Origin>) -> Response {
    let (titles, reason) = if origin.shared.stopping.load(Ordering::Relaxed) {
        (None, Some("stopping".to_owned()))
    } else {
        match tokio::time::timeout(PATIENCE, origin.folders()).await {
            Ok(Ok(folders)) => (Some(folders.names.len()), None),
            Ok(Err(_)) => (None, Some("the store cannot be listed".to_owned())),
            Err(_) => (None, Some("the store does not answer".to_owned())),
        }
    };
    let ready = reason.is_none();
    let status = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let fields = [(CACHE_CONTROL, headers::NO_STORE)];
    let readiness = Readiness {
        ready,
        titles,
        reason,
    };
    (status, fields, Json(readiness)).into_response()
}
