//! What happens to every request before and after its handler, as layers.
//!
//! From the outside in: the token is taken off the path and judged; the request gets an id; its
//! way is traced, counted and logged; the id, the fields for pages of other sites and those of every
//! answer are set, whatever its status; what was not admitted is refused; the rest has its time to
//! be answered by the routes. What a reload may change (keys, time limit, `Alt-Svc`, log) is looked
//! up at each request.

use super::access::token::TokenError;
use super::headers::{ALLOWED, EXPOSED, FAILURE, NO_STORE, PREFLIGHT_AGE, REQUEST_ID, TIMING};
use super::query::MAX_QUERY;
use super::router::{Surface, routes};
use super::telemetry::Watch;
use super::{Origin, access};
use axum::Router;
use axum::body::Body;
use axum::http::header::{ALT_SVC, CACHE_CONTROL, HOST, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::http::{Method, Request, StatusCode, Version};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use tower::{Layer, Service, ServiceBuilder, service_fn};
use tower_http::cors::{Any, CorsLayer};
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};

/// Where a request came from: known to handlers where there is steering.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// The origin as services over connections.
pub(super) struct Edge {
    origin: Origin,
    routes: Router,
    cors: CorsLayer,
    ids: Ids,
}

impl Edge {
    pub(super) fn new(origin: Origin, surface: Surface) -> Self {
        Self {
            routes: routes(origin.clone(), surface),
            origin,
            cors: cors(),
            ids: Ids::new(),
        }
    }

    /// The origin as one service over a connection from `peer`. All its parts are always ready.
    pub(super) fn service(
        &self,
        peer: Option<SocketAddr>,
    ) -> impl Service<Request<Body>, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + Unpin
    + 'static
    + use<> {
        let (admitting, watching, settings) = (
            self.origin.clone(),
            self.origin.clone(),
            self.origin.clone(),
        );
        let (origin, routes) = (self.origin.clone(), self.routes.clone());
        // On the heap from the innermost on: all around it move what it gives several times.
        let answering =
            service_fn(move |request| Box::pin(answer(origin.clone(), routes.clone(), request)));
        let mut open = ServiceBuilder::new()
            .layer(PropagateRequestIdLayer::new(REQUEST_ID))
            .map_response(move |answer| with_constant_fields(&settings, answer))
            .layer(self.cors.clone())
            .service(answering);
        let watched = service_fn(move |request: Request<Body>| {
            let watch = Watch::new(&request, peer, &watching).layer(&request);
            let answer = watch.layer(&mut open).call(request);
            async { Ok(answer.await?.map(Body::new)) }
        });
        ServiceBuilder::new()
            .map_request(move |request| admit(&admitting, peer, request))
            .layer(SetRequestIdLayer::new(REQUEST_ID, self.ids.clone()))
            .service(watched)
    }
}

/// Sets the fields that every answer has.
fn with_constant_fields(origin: &Origin, mut answer: Response) -> Response {
    let fields = answer.headers_mut();
    fields.insert(TIMING, HeaderValue::from_static("*"));
    // A browser takes no answer for another type than it has.
    fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(alt_svc) = origin.look(|live| live.settings.alt_svc.clone()) {
        fields.insert(ALT_SVC, alt_svc);
    }
    answer
}

/// Pages of any site may read every answer; what they may send is asked once a day.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers(ALLOWED)
        .expose_headers(EXPOSED)
        .max_age(PREFLIGHT_AGE)
}

/// Takes the token off the path. A request that is not admitted goes on with the reason beside
/// it, to be refused where the answer gets its fields.
fn admit(origin: &Origin, peer: Option<SocketAddr>, mut request: Request<Body>) -> Request<Body> {
    if !has_plain_id(&request) {
        request.headers_mut().remove(REQUEST_ID);
    }
    let (admission, steers) = origin.look(|live| {
        let settings = &live.settings;
        let admission = access::admit(&settings.token_keys, request.uri());
        (admission, settings.steering.is_some())
    });
    if let Some(inner) = admission.path {
        *request.uri_mut() = inner;
    }
    let refusal = match admission.refusal {
        // Only what comes over a connection has a host to be missed.
        _ if peer.is_some() && !has_host(&request) => Some(Refusal::Host),
        refusal => refusal.map(Refusal::Token),
    };
    if let Some(refusal) = refusal {
        request.extensions_mut().insert(refusal);
    }
    if let Some(peer) = peer.filter(|_| steers) {
        request.extensions_mut().insert(Peer(peer));
    }
    request
}

/// Why a request is not answered.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    Host,
    Token(TokenError),
}

/// Whether a request says which host it is for: with HTTP/1.1 in one `Host` field (RFC 9112 §3.2),
/// with HTTP/2 in that or in `:authority` (RFC 9113 §8.3.1).
fn has_host(request: &Request<Body>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => true,
        (Some(_), Some(_)) => false,
        (None, _) if request.version() == Version::HTTP_2 => request.uri().authority().is_some(),
        (None, _) => request.version() < Version::HTTP_11,
    }
}

/// Whether a front has given the request an id that is short and plain.
fn has_plain_id(request: &Request<Body>) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    request
        .headers()
        .get(REQUEST_ID)
        .is_some_and(|id| (1..=64).contains(&id.len()) && id.as_bytes().iter().all(plain))
}

/// Answers what is admitted, in the time that is set now.
async fn answer(
    origin: Origin,
    mut routes: Router,
    request: Request<Body>,
) -> Result<Response, Infallible> {
    if let Some(refusal) = request.extensions().get::<Refusal>() {
        return Ok(refused(*refusal));
    }
    let query = request.uri().query().unwrap_or("");
    if query.len() > MAX_QUERY {
        let text = format!("a query may have {MAX_QUERY} bytes\n");
        return Ok((StatusCode::URI_TOO_LONG, text).into_response());
    }
    let mut begun = pin!(routes.call(request));
    match poll_fn(|cx| Poll::Ready(begun.as_mut().poll(cx))).await {
        Poll::Ready(answer) => answer,
        Poll::Pending => Box::pin(in_time(&origin, begun)).await,
    }
}

/// The answer that has begun, if it comes in the time that is set now. Most answers never get
/// here: to arm a timer costs more than to find an object in the cache.
async fn in_time(
    origin: &Origin,
    begun: impl Future<Output = Result<Response, Infallible>>,
) -> Result<Response, Infallible> {
    let limit = origin.look(|live| live.settings.request_timeout);
    match tokio::time::timeout(limit, begun).await {
        Ok(answer) => answer,
        Err(_) => Ok(late()),
    }
}

/// 504, which may pass in a moment.
fn late() -> Response {
    let fields = [(CACHE_CONTROL, FAILURE)];
    let text = "the answer was not ready in time\n";
    (StatusCode::GATEWAY_TIMEOUT, fields, text).into_response()
}

/// 400, or 403, to be asked again with another token.
fn refused(refusal: Refusal) -> Response {
    let (status, text) = match refusal {
        Refusal::Host => (
            StatusCode::BAD_REQUEST,
            "expected one Host field, or :authority with HTTP/2\n".to_owned(),
        ),
        Refusal::Token(refusal) => (StatusCode::FORBIDDEN, format!("{refusal}\n")),
    };
    (status, [(CACHE_CONTROL, NO_STORE)], text).into_response()
}

/// Makes ids: a random number for this process, and a count.
#[derive(Debug, Clone)]
struct Ids {
    process: u32,
    next: Arc<AtomicU64>,
}

impl Ids {
    fn new() -> Self {
        // A fresh RandomState is seeded by the system.
        let process = RandomState::new().hash_one(std::process::id()) as u32;
        let next = Arc::new(AtomicU64::new(1));
        Self { process, next }
    }
}

impl MakeRequestId for Ids {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        let mut text = [0; 25];
        let mut place = text.len();
        let mut put = |byte| {
            place -= 1;
            text[place] = byte;
        };
        digits(count, 1).for_each(&mut put);
        put(b'-');
        digits(u64::from(self.process), 8).for_each(&mut put);
        HeaderValue::from_bytes(&text[place..])
            .ok()
            .map(RequestId::new)
    }
}

/// The hex digits of a number, at least so many, from the last on.
fn digits(number: u64, least: u32) -> impl Iterator<Item = u8> {
    let count = (u64::BITS - number.leading_zeros()).div_ceil(4).max(least);
    (0..count).map(move |place| b"0123456789abcdef"[(number >> (4 * place) & 0xf) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_process_and_a_count_in_hex() {
        for (process, count, id) in [
            (0x12, 1, "00000012-1"),
            (0xf3ea_2891, 0x10, "f3ea2891-10"),
            (u32::MAX, u64::MAX, "ffffffff-ffffffffffffffff"),
            (0, 0, "00000000-0"),
        ] {
            let next = Arc::new(AtomicU64::new(count));
            let made = Ids { process, next }.make_request_id(&Request::new(()));
            assert_eq!(
                made.map(RequestId::into_header_value),
                Some(HeaderValue::from_static(id))
            );
        }
    }
}
