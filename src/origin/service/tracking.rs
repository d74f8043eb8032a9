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
    kind: &'static str,
    metrics: Arc<Metrics>,
    line: Option<(Line, AccessLog)>,
    /// Whether its response has no body, whatever its fields say.
    head: bool,
    status: u16,
    /// Bytes of the body, if known.
    expected: Option<u64>,
    sent: u64,
    ended: bool,
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
        let kind = kind_of(request.uri().path());
        Self {
            began: Instant::now(),
            kind,
            metrics: Arc::clone(metrics),
            line: log.map(|log| (Line::new(request, id, peer, cmcd), log.clone())),
            head: *request.method() == Method::HEAD,
            status: GONE,
            expected: None,
            sent: 0,
            ended: false,
        }
    }

    /// The same response, tracked to its end.
    pub(super) fn follow(mut self, response: Response) -> Response {
        self.status = response.status().as_u16();
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
        let took = self.began.elapsed();
        let whole = self.ended || self.expected == Some(self.sent);
        self.metrics
            .responded(self.kind, self.status, self.sent, took, whole);
        if let Some((mut line, log)) = self.line.take() {
            line.status = self.status;
            line.bytes = self.sent;
            line.whole = whole;
            line.ms = (took.as_secs_f64() * 1e6).round() / 1e3;
            if let Ok(text) = serde_json::to_vec(&line) {
                log.request(text);
            }
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
                self.tracking.sent += data.map_or(0, |data| data.len() as u64);
            }
            None => self.tracking.ended = true,
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
            kind: kind_of(uri.path()),
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
