//! Follows a request to the end of its answer by the callbacks of `tower-http`'s tracing layer, then
//! counts it and writes its line.

use super::cmcd::Cmcd;
use super::log::AccessLog;
use super::metrics::{Kind, Metrics};
use crate::origin::Origin;
use crate::origin::headers::REQUEST_ID;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{RANGE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use axum::response::Response;
use serde::Serialize;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::request_id::RequestId;
use tower_http::trace::{OnBodyChunk, OnEos, OnResponse, TraceLayer};
use tracing::Span;

/// Longest field of a client that is logged, in bytes.
const LONGEST: usize = 512;

/// Longest path with its query that is logged, in bytes: as long as both may be.
const LONGEST_PATH: usize = 6 << 10;

/// What is told of a request and its answer: noted when it comes in, told when the last who could
/// have more to say of it is gone.
#[derive(Clone)]
pub(in crate::origin) struct Watch(Arc<Noted>);

struct Noted {
    began: Instant,
    kind: Kind,
    line: Option<(Line, AccessLog)>,
    metrics: Arc<Metrics>,
    /// Whether its answer has no body, whatever its fields say.
    head: bool,
    status: AtomicU16,
    /// Bytes of the body, if that is known.
    expected: AtomicU64,
    sent: AtomicU64,
    ended: AtomicBool,
}

/// Stands for a length that is not known.
const UNKNOWN: u64 = u64::MAX;

/// Status of a request whose client did not wait for an answer, as nginx logs it.
const GONE: u16 = 499;

/// The layer that a watch hangs on.
type Tracing =
    TraceLayer<SharedClassifier<ServerErrorsAsFailures>, Span, (), Watch, Watch, Watch, ()>;

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

impl Watch {
    /// Notes a request, whose URI has no token any more and which has its id. What the player
    /// says with it is counted here.
    pub(in crate::origin) fn new(
        request: &Request<Body>,
        peer: Option<SocketAddr>,
        origin: &Origin,
    ) -> Self {
        let (metrics, log) = (&origin.shared.metrics, origin.look(|live| live.log.clone()));
        let cmcd = Cmcd::of(request.uri().query(), request.headers());
        metrics.said(&cmcd);
        let kind = Kind::of(request.uri().path());
        Self(Arc::new(Noted {
            began: Instant::now(),
            kind,
            line: log.map(|log| (Line::new(request, peer, kind, cmcd), log)),
            metrics: Arc::clone(metrics),
            head: *request.method() == Method::HEAD,
            status: AtomicU16::new(GONE),
            expected: AtomicU64::new(UNKNOWN),
            sent: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        }))
    }

    /// The layer through which it learns of the answer. Messages on the way carry the request's
    /// id where they are shown from the level `info` on.
    pub(in crate::origin) fn layer(self, request: &Request<Body>) -> Tracing {
        let id = request.extensions().get::<RequestId>();
        let id = id.and_then(|id| id.header_value().to_str().ok());
        let span = tracing::info_span!("request", id, path = request.uri().path());
        TraceLayer::new_for_http()
            .make_span_with(span)
            .on_request(())
            .on_response(self.clone())
            .on_body_chunk(self.clone())
            .on_eos(self)
            .on_failure(())
    }
}

impl OnResponse<Body> for Watch {
    fn on_response(self, response: &Response, _: Duration, _: &Span) {
        let expected = match self.0.head {
            true => 0,
            false => response.body().size_hint().exact().unwrap_or(UNKNOWN),
        };
        let status = response.status().as_u16();
        self.0.status.store(status, Ordering::Relaxed);
        self.0.expected.store(expected, Ordering::Relaxed);
    }
}

impl OnBodyChunk<Bytes> for Watch {
    fn on_body_chunk(&mut self, chunk: &Bytes, _: Duration, _: &Span) {
        self.0.sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    }
}

impl OnEos for Watch {
    fn on_eos(self, _: Option<&HeaderMap>, _: Duration, _: &Span) {
        self.0.ended.store(true, Ordering::Relaxed);
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        let took = self.began.elapsed();
        let (status, bytes) = (*self.status.get_mut(), *self.sent.get_mut());
        let whole = *self.ended.get_mut() || *self.expected.get_mut() == bytes;
        self.metrics.answered(self.kind, status, bytes, took, whole);
        if let Some((mut line, log)) = self.line.take() {
            line.status = status;
            line.bytes = bytes;
            line.whole = whole;
            line.ms = (took.as_secs_f64() * 1e6).round() / 1e3;
            if let Ok(text) = serde_json::to_vec(&line) {
                log.request(text);
            }
        }
    }
}

impl Line {
    fn new(request: &Request<Body>, peer: Option<SocketAddr>, kind: Kind, cmcd: Cmcd) -> Self {
        let (uri, headers) = (request.uri(), request.headers());
        let path = uri.path_and_query().map_or("", |path| path.as_str());
        Self {
            time: now(),
            request_id: field(headers, &REQUEST_ID).unwrap_or_default(),
            client: peer,
            method: request.method().to_string(),
            // A URI is ASCII.
            path: path.get(..LONGEST_PATH).unwrap_or(path).to_owned(),
            kind: kind.name(),
            status: 0,
            bytes: 0,
            whole: false,
            ms: 0.0,
            range: field(headers, &RANGE),
            user_agent: field(headers, &USER_AGENT),
            cmcd,
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
