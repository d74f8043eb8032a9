//! What happens to every request before and after its handler: an id, its token, a time limit,
//! fields that every answer carries whatever its status, and the count at its end.

use super::access::token::TokenError;
use super::headers::{NO_STORE, OPEN, PREFLIGHT};
use super::query::MAX_QUERY;
use super::router::routes;
use super::server::Peer;
use super::telemetry::{Arrival, observe};
use super::{Origin, Settings, access};
use axum::Router;
use axum::body::Body;
use axum::http::header::{ALT_SVC, CACHE_CONTROL, HeaderName, HeaderValue};
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tower::{Service, ServiceExt};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The origin as one service over any connection.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    origin: Origin,
    routes: Router,
    ids: Arc<Ids>,
}

impl Edge {
    pub(super) fn new(origin: Origin) -> Self {
        Self {
            routes: routes(origin.clone()),
            origin,
            ids: Arc::new(Ids::new()),
        }
    }

    /// Answers a request.
    pub(super) async fn answer(self, mut request: Request<Body>) -> Response {
        let live = self.origin.live();
        let id = self.ids.of(&request);
        request.headers_mut().insert(REQUEST_ID, id.clone());
        let head = *request.method() == Method::HEAD;
        let peer = request.extensions().get().map(|Peer(peer)| *peer);
        let admitted = access::admit(&live.settings.token_keys, request.uri());
        if let Ok(Some(inner)) = &admitted {
            *request.uri_mut() = inner.clone();
        }
        let metrics = &self.origin.shared.metrics;
        let arrival = Arrival::new(&request, &id, peer, metrics, live.log.clone());
        let mut response = match admitted {
            _ if request.method() == Method::OPTIONS => preflight(),
            Ok(_) => self.handle(request, &live.settings).await,
            Err(refusal) => refused(refusal),
        };
        let fields = response.headers_mut();
        fields.reserve(OPEN.len() + 2);
        for (name, value) in OPEN {
            fields.insert(name, value);
        }
        fields.insert(REQUEST_ID, id);
        if let Some(alt_svc) = &live.settings.alt_svc {
            fields.insert(ALT_SVC, alt_svc.clone());
        }
        observe(response, arrival, head)
    }

    async fn handle(&self, request: Request<Body>, settings: &Settings) -> Response {
        if request
            .uri()
            .query()
            .is_some_and(|query| query.len() > MAX_QUERY)
        {
            let text = format!("a query may have {MAX_QUERY} bytes\n");
            return (StatusCode::URI_TOO_LONG, text).into_response();
        }
        let limit = settings.request_timeout;
        let answered = tokio::time::timeout(limit, self.routes.clone().oneshot(request)).await;
        match answered {
            Ok(Ok(response)) => response,
            Err(_) => (
                StatusCode::GATEWAY_TIMEOUT,
                "the store did not answer in time\n",
            )
                .into_response(),
        }
    }
}

impl Service<Request<Body>> for Edge {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let edge = self.clone();
        Box::pin(async move { Ok(edge.answer(request).await) })
    }
}

/// 403, to be asked again with another token.
fn refused(refusal: TokenError) -> Response {
    let fields = [(CACHE_CONTROL, NO_STORE)];
    (StatusCode::FORBIDDEN, fields, format!("{refusal}\n")).into_response()
}

/// Every method that means something somewhere may be asked for by any page.
fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().extend(PREFLIGHT);
    response
}

/// Makes ids: a random number for this process, and a count.
#[derive(Debug)]
struct Ids {
    process: u32,
    next: AtomicU64,
}

impl Ids {
    fn new() -> Self {
        // A fresh RandomState is seeded by the system.
        let process = RandomState::new().hash_one(std::process::id()) as u32;
        let next = AtomicU64::new(1);
        Self { process, next }
    }

    /// The id that a front gave the request, if it is short and plain, else a new one.
    fn of(&self, request: &Request<Body>) -> HeaderValue {
        let given = request.headers().get(REQUEST_ID).filter(|id| {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
            (1..=64).contains(&id.len()) && id.as_bytes().iter().all(plain)
        });
        given.cloned().unwrap_or_else(|| {
            let count = self.next.fetch_add(1, Ordering::Relaxed);
            let id = format!("{:08x}-{count:x}", self.process);
            HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("0"))
        })
    }
}
