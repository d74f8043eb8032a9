//! `/metrics`: OpenMetrics 1.0, or Prometheus' older text format for clients that prefer it.

use super::origin::Origin;
use crate::origin::error::OriginError;
use crate::origin::http::headers::NO_STORE;
use crate::origin::http::quality;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, VARY};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeSet;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `/metrics`, in the format that the client prefers; OpenMetrics among equals.
pub(super) async fn expose(
    State(origin): State<Origin>,
    headers: HeaderMap,
) -> Result<Response, OriginError> {
    let metrics = &origin.shared.metrics;
    let bytes = origin.shared.titles.cached_bytes();
    metrics
        .cache_bytes
        .set(i64::try_from(bytes).unwrap_or(i64::MAX));
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
fn plain(text: &str) -> String {
    let counters: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
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
