//! What happens to every request before and after its handler, as layers.
//!
//! From the outside in: the token is taken off the path and judged; the request gets an id; its
//! way is traced, counted and logged; the id, the fields for pages of other sites and `Alt-Svc`
//! go onto the answer, whatever its status; what was not admitted is refused; the rest has its
//! time to be answered by the routes. All but the token are layers of `tower-http`. What a reload
//! may change (keys, time limit, `Alt-Svc`, log) is looked up at each request.

use super::access::token::TokenError;
use super::headers::{ALLOWED, EXPOSED, FAILURE, NO_STORE, PREFLIGHT_AGE, TIMING};
use super::query::MAX_QUERY;
use super::router::routes;
use super::telemetry::Watch;
use super::{Origin, access};
use axum::Router;
use axum::body::Body;
use axum::http::header::{ALT_SVC, CACHE_CONTROL, HeaderName, HeaderValue};
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::cors::{Any, CorsLayer};
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

/// The field that carries the id of a request.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

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
    pub(super) fn new(origin: Origin) -> Self {
        Self {
            routes: routes(origin.clone()),
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
            .layer(SetResponseHeaderLayer::overriding(TIMING, any()))
            .layer(SetResponseHeaderLayer::overriding(
                ALT_SVC,
                move |_: &Response| settings.look(|live| live.settings.alt_svc.clone()),
            ))
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

fn any() -> HeaderValue {
    HeaderValue::from_static("*")
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
    if let Some(refusal) = admission.refusal {
        request.extensions_mut().insert(refusal);
    }
    if let Some(peer) = peer.filter(|_| steers) {
        request.extensions_mut().insert(Peer(peer));
    }
    request
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
    if let Some(refusal) = request.extensions().get::<TokenError>() {
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
    let limit = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, limit);
    let rest = service_fn(|begun: Request<_>| begun.into_body());
    let answer = limit.layer(rest).oneshot(Request::new(begun)).await?;
    let says_why = answer.headers().contains_key(CACHE_CONTROL);
    match answer.status() {
        StatusCode::GATEWAY_TIMEOUT if !says_why => Ok(late()),
        _ => Ok(answer),
    }
}

/// 504, which may pass in a moment.
fn late() -> Response {
    let fields = [(CACHE_CONTROL, FAILURE)];
    let text = "the answer was not ready in time\n";
    (StatusCode::GATEWAY_TIMEOUT, fields, text).into_response()
}

/// 403, to be asked again with another token.
fn refused(refusal: TokenError) -> Response {
    let fields = [(CACHE_CONTROL, NO_STORE)];
    (StatusCode::FORBIDDEN, fields, format!("{refusal}\n")).into_response()
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
