//! What happens to every request before and after its handler.
//!
//! From the outside in: the request gets an id; its token is removed from the path and checked; it
//! is tracked to the end of its response; CORS fields and the constant fields are set on every
//! status; refused requests are answered; the others go to the routes, within the time limit.
//! Settings that a reload changes are read once a request.

use super::access;
use super::origin::{Live, Origin};
use super::router::{Surface, routes};
use super::steering::Peer;
use super::tracking::Tracking;
use crate::origin::http::headers::{
    ALLOWED, EXPOSED, FAILURE, NO_STORE, PREFLIGHT_AGE, REQUEST_ID, TIMING,
};
use crate::origin::titles::MAX_QUERY;
use axum::Router;
use axum::body::Body;
use axum::http::header::{
    ALT_SVC, CACHE_CONTROL, HOST, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, Request, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tower::{Layer, Service as _, service_fn};
use tower_http::cors::{Any, CorsLayer};
use tracing::Instrument;

/// The origin as an axum router: mount it in a program of your own.
///
/// `/` is the catalogue page, `/catalogue.json` the same as JSON; `/watch/TITLE` plays a title in the
/// browser; `/openapi.json` describes the addresses that programs other than players use. `/metrics`,
/// `/healthz`, `/readyz`, `/cmcd` and `/steering.json` are for operators and players, `/_page/…` and
/// `/_player/…` for the pages; all other paths are looked up among the titles.
pub fn router(origin: Origin) -> Router {
    let service = Arc::new(Service::new(origin, Surface::Whole));
    Router::new().fallback_service(service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok(service.respond(None, request).await) }
    }))
}

/// The origin as a service.
pub(crate) struct Service {
    origin: Origin,
    routes: Router,
    cors: CorsLayer,
    /// Prefix of request ids: a random number of this process.
    process: u32,
    requests: AtomicU64,
}

impl Service {
    pub(crate) fn new(origin: Origin, surface: Surface) -> Self {
        // Pages of any site may read every response; what they may send is asked once a day.
        let names = |text: &'static str| text.split(' ').map(HeaderName::from_static);
        let cors = CorsLayer::new()
            .allow_origin(Any)
            .allow_methods([Method::GET, Method::HEAD, Method::POST])
            .allow_headers(names(ALLOWED).collect::<Vec<_>>())
            .expose_headers(names(EXPOSED).collect::<Vec<_>>())
            .max_age(PREFLIGHT_AGE);
        Self {
            routes: routes(origin.clone(), surface),
            origin,
            cors,
            // A new RandomState is seeded by the system.
            process: RandomState::new().hash_one(std::process::id()) as u32,
            requests: AtomicU64::new(1),
        }
    }

    /// The response to a request, from `peer` if it came over a connection of our own.
    pub(crate) async fn respond(
        &self,
        peer: Option<SocketAddr>,
        mut request: Request<Body>,
    ) -> Response {
        let live = self.origin.live();
        let id = self.id(&request);
        let refusal = admit(&live, peer, &mut request);
        let metrics = &self.origin.shared.metrics;
        let tracking = Tracking::begin(&request, &id, peer, metrics, live.log.as_ref());
        let span = tracing::info_span!(
            "request",
            id = id.to_str().ok(),
            path = request.uri().path()
        );
        let inner = service_fn(async |request| {
            let response = match &refusal {
                Some((status, text)) => {
                    let fields = [(CACHE_CONTROL, NO_STORE)];
                    (*status, fields, text.clone()).into_response()
                }
                None => self.routed(&live, request).await,
            };
            Ok::<_, Infallible>(response)
        });
        let response = self.cors.layer(inner).call(request).instrument(span).await;
        let mut response = response.unwrap_or_else(|error| match error {});
        let fields = response.headers_mut();
        fields.insert(REQUEST_ID, id);
        fields.insert(TIMING, HeaderValue::from_static("*"));
        // Keeps browsers from guessing another media type.
        fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(alt_svc) = &live.alt_svc {
            fields.insert(ALT_SVC, alt_svc.clone());
        }
        tracking.follow(response)
    }

    /// The id that a proxy in front has given the request, if it is short and plain, or a new one.
    fn id(&self, request: &Request<Body>) -> HeaderValue {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        let short = |id: &&HeaderValue| (1..=64).contains(&id.len());
        let given = request.headers().get(REQUEST_ID).filter(short);
        let given = given.filter(|id| id.as_bytes().iter().all(plain));
        given.cloned().unwrap_or_else(|| {
            let count = self.requests.fetch_add(1, Ordering::Relaxed);
            let id = HeaderValue::try_from(format!("{:08x}-{count:x}", self.process));
            id.unwrap_or(HeaderValue::from_static("-"))
        })
    }

    async fn routed(&self, live: &Live, request: Request<Body>) -> Response {
        let query = request.uri().query().unwrap_or("");
        if query.len() > MAX_QUERY {
            let text = format!("expected a query of at most {MAX_QUERY} bytes\n");
            return (StatusCode::URI_TOO_LONG, text).into_response();
        }
        let response = self.routes.clone().call(request);
        match tokio::time::timeout(live.settings.request_timeout, response).await {
            Ok(Ok(response)) => response,
            Err(_) => {
                let text = "the response was not ready in time\n";
                let fields = [(CACHE_CONTROL, FAILURE)];
                (StatusCode::GATEWAY_TIMEOUT, fields, text).into_response()
            }
        }
    }
}

/// Removes the token from the path. Refuses a request without one host (400) or without a token for
/// the path (403).
fn admit(
    live: &Live,
    peer: Option<SocketAddr>,
    request: &mut Request<Body>,
) -> Option<(StatusCode, String)> {
    let (inner, refusal) = access::admit(&live.settings.token_keys, request.uri());
    if let Some(inner) = inner {
        *request.uri_mut() = inner;
    }
    if let Some(peer) = peer.filter(|_| live.settings.steering.is_some()) {
        request.extensions_mut().insert(Peer(peer));
    }
    // A router inside another program may get requests without a host.
    if peer.is_some() && !has_host(request) {
        let text = "expected one Host field, or :authority with HTTP/2\n";
        return Some((StatusCode::BAD_REQUEST, text.to_owned()));
    }
    refusal.map(|refusal| (StatusCode::FORBIDDEN, format!("{refusal}\n")))
}

/// Whether a request names its host: with HTTP/1.1 in one `Host` field (RFC 9112 §3.2), with HTTP/2
/// in that or in `:authority` (RFC 9113 §8.3.1).
fn has_host(request: &Request<Body>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), second) => second.is_none(),
        (None, _) if request.version() == Version::HTTP_2 => request.uri().authority().is_some(),
        (None, _) => request.version() < Version::HTTP_11,
    }
}
