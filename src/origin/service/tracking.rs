//! Follows a request to the end of its response: counts it once, and writes its line of the access
//! log.
//!
//! The end is when the last byte of the response has been passed to the connection, or the client
//! is gone.

use crate::origin::telemetry::cmcd::Cmcd;
use crate::origin::telemetry::{AccessLog, Metrics, kind_of};
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{HeaderValue, RANGE, USER_AGENT};
use axum::http::{Method, Request};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use serde::Serialize;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Longest header field that is logged, in bytes.
const LONGEST: usize = 512;

/// Longest path with its query that is logged, in bytes: as long as both may be.
const LONGEST_PATH: usize = 6 << 10;

/// Status of a request whose client was gone before its response, as nginx logs it.
const GONE: u16 = 499;

/// A request in progress. It is counted and logged when this is dropped.
pub(super) struct Tracking {
    began: Instant,
    metrics: Arc<Metrics>,
    log: Option<AccessLog>,
    /// Without a log, nothing but the kind, status and bytes.
    line: Line,
    /// Whether its response has no body, whatever its fields say.
    head: bool,
    /// Bytes of the body, if known.
    expected: Option<u64>,
}

/// One line of the log.
#[derive(Default, Serialize)]
struct Line {
    /// Seconds since 1970.
    time: f64,
    request_id: String,
    client: Option<SocketAddr>,
    method: String,
    /// Without token; with the query, CMCD included.
    path: String,
    kind: &'static str,
    status: u16,
    /// Bytes of the body that were sent.
    bytes: u64,
    /// Whether the client received all of it.
    whole: bool,
    ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "Cmcd::is_empty")]
    cmcd: Cmcd,
}

impl Tracking {
    /// Begins to track a request, whose token has been removed, and counts its client data.
    pub(super) fn begin(
        request: &Request<Body>,
        id: &HeaderValue,
        peer: Option<SocketAddr>,
        metrics: &Arc<Metrics>,
        log: Option<&AccessLog>,
    ) -> Self {
        let cmcd = Cmcd::of(request.uri().query(), request.headers());
        metrics.requested(&cmcd);
        let line = log.map(|_| Line::new(request, id, peer, cmcd));
        Self {
            began: Instant::now(),
            metrics: Arc::clone(metrics),
            log: log.cloned(),
            line: Line {
                kind: kind_of(request.uri().path()),
                status: GONE,
                ..line.unwrap_or_default()
            },
            head: *request.method() == Method::HEAD,
            expected: None,
        }
    }

    /// The same response, tracked to its end.
    pub(super) fn follow(mut self, response: Response) -> Response {
        self.line.status = response.status().as_u16();
        self.expected = match self.head {
            true => Some(0),
            false => response.body().size_hint().exact(),
        };
        let tracking = self;
        response.map(|body| Body::new(Tracked { body, tracking }))
    }
}

impl Drop for Tracking {
    fn drop(&mut self) {
        let (took, line) = (self.began.elapsed(), &mut self.line);
        line.whole |= self.expected == Some(line.bytes);
        line.ms = (took.as_secs_f64() * 1e6).round() / 1e3;
        let metrics = &self.metrics;
        metrics.responded(line.kind, line.status, line.bytes, took, line.whole);
        if let Some(log) = &self.log
            && let Ok(text) = serde_json::to_vec(line)
        {
            log.request(text);
        }
    }
}

/// The body of a tracked response.
struct Tracked {
    body: Body,
    tracking: Tracking,
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(frame) => {
                let data = frame.as_ref().ok().and_then(Frame::data_ref);
                self.tracking.line.bytes += data.map_or(0, |data| data.len() as u64);
            }
            None => self.tracking.line.whole = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Line {
    fn new(
        request: &Request<Body>,
        id: &HeaderValue,
        peer: Option<SocketAddr>,
        cmcd: Cmcd,
    ) -> Self {
        let (uri, headers) = (request.uri(), request.headers());
        let field = |name| headers.get(name).map(text);
        let path = uri.path_and_query().map_or("", |path| path.as_str());
        Self {
            time: now(),
            request_id: text(id),
            client: peer,
            method: request.method().to_string(),
            // A URI is ASCII.
            path: path.get(..LONGEST_PATH).unwrap_or(path).to_owned(),
            range: field(RANGE),
            user_agent: field(USER_AGENT),
            cmcd,
            ..Self::default()
        }
    }
}

/// Seconds since 1970, to the millisecond.
pub(super) fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_millis() as f64 / 1e3)
}

fn text(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]).into_owned()
}
