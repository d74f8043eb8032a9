//! `/cmcd`: collects players' events, one CMCD dictionary a line (CTA-5004-B, event mode).

use super::origin::Origin;
use super::tracking::now;
use crate::origin::telemetry::cmcd::{Cmcd, MAX_BYTES};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Longest report, in bytes.
pub(super) const MAX_REPORT: usize = 64 << 10;

/// Most events of a report. Players send one every few seconds.
const MAX_EVENTS: usize = 64;

/// Media types of a report: that of the standard, that of its drafts, and the one that
/// `navigator.sendBeacon` sends for a string.
const TYPES: [&str; 3] = ["application/cmcd", "text/cmcd", "text/plain"];

/// `POST /cmcd`: 204, or 400 if a line is malformed; the others are counted and logged all the
/// same. 413 if there are too many lines, of which none is counted.
pub(super) async fn collect(
    State(origin): State<Origin>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let kind = headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !TYPES.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        let text = "expected application/cmcd\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response();
    }
    let text = String::from_utf8_lossy(&body);
    let lines = text.split(['\n', '\r']);
    let lines: Vec<&str> = lines.filter(|line| !line.trim().is_empty()).collect();
    if lines.len() > MAX_EVENTS {
        let found = lines.len();
        let text = format!("a report may have {MAX_EVENTS} events, found {found}\n");
        return (StatusCode::PAYLOAD_TOO_LARGE, text).into_response();
    }
    let mut bad = None;
    for (number, line) in (1..).zip(lines) {
        let event = Cmcd::line(line);
        if event.malformed > 0 || event.is_empty() {
            bad.get_or_insert(number);
        }
        note(&origin, &event);
    }
    match bad {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(number) => {
            let text = format!(
                "event {number}: expected key=value pairs, comma-separated, of at most \
                 {MAX_BYTES} bytes\n"
            );
            (StatusCode::BAD_REQUEST, text).into_response()
        }
    }
}

fn note(origin: &Origin, event: &Cmcd) {
    origin.shared.metrics.reported(event);
    if let Some(log) = &origin.live().log {
        let line = json!({ "time": now(), "event": event });
        log.event(line.to_string().into_bytes());
    }
}
