//! Endpoints for operators: health checks, which tell whether the process lives and whether a load
//! balancer should send requests; and metrics, as OpenMetrics 1.0 or Prometheus' older text format.

use super::origin::Origin;
use crate::origin::error::{OriginError, Result};
use crate::origin::http::headers::NO_STORE;
use crate::origin::http::quality;
use axum::Json;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

/// Time limit for listing the store.
const PATIENCE: Duration = Duration::from_secs(2);

/// `/healthz`: the process answers.
pub(super) async fn live() -> impl IntoResponse {
    ([(CACHE_CONTROL, NO_STORE)], "ok\n")
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
    let fields = [(CACHE_CONTROL, NO_STORE)];
    (status, fields, Json(readiness)).into_response()
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `/metrics`, in the format that the client prefers; OpenMetrics among equals.
pub(super) async fn metrics(State(origin): State<Origin>, headers: HeaderMap) -> Result<Response> {
    let metrics = &origin.shared.metrics;
    let bytes = i64::try_from(origin.shared.titles.cached_bytes());
    metrics.cache_bytes.set(bytes.unwrap_or(i64::MAX));
    let text = metrics.text();
    let text = text.map_err(|error| OriginError::damaged("metrics", error.to_string()))?;
    let quality = |kind| quality(&headers, &ACCEPT, kind);
    let (kind, text) = if quality("text/plain") > quality("application/openmetrics-text") {
        (PLAIN_TEXT, plain(&text))
    } else {
        (OPEN_METRICS, text)
    };
    let fields = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, NO_STORE),
        (VARY, HeaderValue::from_static("accept")),
    ];
    Ok((fields, text).into_response())
}

/// Converts to the older format, in which a counter's family is named like its samples and no line
/// marks the end.
fn plain<'a>(text: &'a str) -> String {
    let name = |line: &'a str| line.strip_prefix("# TYPE ")?.strip_suffix(" counter");
    let counters: BTreeSet<&str> = text.lines().filter_map(name).collect();
    let mut plain = String::with_capacity(text.len());
    for line in text.lines().filter(|line| *line != "# EOF") {
        let mut words = line.splitn(4, ' ');
        let described = match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(word), Some(name), Some(rest)) if counters.contains(name) => {
                Some(format!("# {word} {name}_total {rest}"))
            }
            _ => None,
        };
        plain.push_str(described.as_deref().unwrap_or(line));
        plain.push('\n');
    }
    plain
}
