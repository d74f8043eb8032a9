//! Watches an answer to its end, then counts it and writes its line.

use super::cmcd::Cmcd;
use super::log::AccessLog;
use super::metrics::{Kind, Metrics};
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{RANGE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use serde::Serialize;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Longest text of a client that is logged, in bytes.
const LONGEST: usize = 512;

/// A request, noted when it came in.
pub(in crate::origin) struct Arrival {
    began: Instant,
    kind: Kind,
    line: Option<Line>,
    metrics: Arc<Metrics>,
    log: Option<AccessLog>,
}

/// One line of the log.
#[derive(Serialize)]
struct Line {
    /// Seconds since 1970.
    time: f64,
    request_id: String,
    client: Option<SocketAddr>,
    method: String,
    /// Without any token; with the query, CMCD included.
    path: String,
    kind: &'static str,
    status: u16,
    /// Of the body, as far as it was sent.
    bytes: u64,
    /// Whether the client waited for all of it.
    whole: bool,
    ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "Cmcd::is_empty")]
    cmcd: Cmcd,
}

impl Arrival {
    /// Notes a request, whose URI has no token any more. What the player says with it is counted
    /// here.
    pub(in crate::origin) fn new(
        request: &Request<Body>,
        id: &HeaderValue,
        client: Option<SocketAddr>,
        metrics: &Arc<Metrics>,
        log: Option<AccessLog>,
    ) -> Self {
        let (uri, headers) = (request.uri(), request.headers());
        let kind = Kind::of(uri.path());
        let cmcd = Cmcd::of(uri.query(), headers);
        metrics.said(&cmcd);
        let line = log.as_ref().map(|_| Line {
            time: now(),
            request_id: text(id),
            client,
            method: request.method().to_string(),
            path: uri
                .path_and_query()
                .map_or("", |path| path.as_str())
                .to_owned(),
            kind: kind.name(),
            status: 0,
            bytes: 0,
            whole: false,
            ms: 0.0,
            range: field(headers, &RANGE),
            user_agent: field(headers, &USER_AGENT),
            cmcd,
        });
        Self {
            began: Instant::now(),
            kind,
            line,
            metrics: Arc::clone(metrics),
            log,
        }
    }

    fn finish(&mut self, status: u16, bytes: u64, whole: bool) {
        let took = self.began.elapsed();
        self.metrics.answered(self.kind, status, bytes, took, whole);
        if let (Some(mut line), Some(log)) = (self.line.take(), &self.log) {
            line.status = status;
            line.bytes = bytes;
            line.whole = whole;
            line.ms = (took.as_secs_f64() * 1e6).round() / 1e3;
            if let Ok(text) = serde_json::to_vec(&line) {
                log.line(text);
            }
        }
    }
}

/// Seconds since 1970, to the millisecond.
pub(super) fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_millis() as f64 / 1e3)
}

fn field(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(text)
}

fn text(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]).into_owned()
}

/// The answer, whose end will be noted.
pub(in crate::origin) fn observe(response: Response, arrival: Arrival, head: bool) -> Response {
    let status = response.status().as_u16();
    response.map(|body| {
        Body::new(Observed {
            left: if head {
                Some(0)
            } else {
                body.size_hint().exact()
            },
            body,
            arrival,
            status,
            sent: 0,
            ended: false,
        })
    })
}

/// A body that notes when it is over: at its end, or when it is dropped.
struct Observed {
    body: Body,
    arrival: Arrival,
    status: u16,
    sent: u64,
    /// Bytes to come, if that is known.
    left: Option<u64>,
    ended: bool,
}

impl HttpBody for Observed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.sent += bytes;
                self.left = self.left.map(|left| left.saturating_sub(bytes));
            }
            Poll::Ready(None) => self.ended = true,
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        let whole = self.ended || self.left == Some(0);
        self.arrival.finish(self.status, self.sent, whole);
    }
}
