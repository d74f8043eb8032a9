//! What happens to every request before and after its handler, as layers.
//!
//! From the outside in: the token is taken off the path and judged; the request gets an id; its
//! way is traced, counted and logged; the id, the fields for pages of other sites and `Alt-Svc`
//! go onto the answer, whatever its status; what was not admitted is refused; the rest has its
//! time to be answered by the routes. All but the token are layers of `tower-http`. What a reload
//! may change (keys, time limit, `Alt-Svc`, log) is looked up at each request.

use super::access::token::TokenError;
use super::headers::{ALLOWED, EXPOSED, NO_STORE, PREFLIGHT_AGE, TIMING};
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
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};
use tower_http::cors::{Any, CorsLayer};
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

/// The field that carries the id of a request.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The origin as one service over any connection.
pub(super) fn edge(
    origin: Origin,
) -> impl Service<Request<Body>, Response = Response, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    let (admitting, watching, settings) = (origin.clone(), origin.clone(), origin.clone());
    let routes = routes(origin.clone());
    let answering = service_fn(move |request| answer(origin.clone(), routes.clone(), request));
    let open = ServiceBuilder::new()
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetResponseHeaderLayer::overriding(TIMING, any()))
        .layer(SetResponseHeaderLayer::overriding(
            ALT_SVC,
            move |_: &Response| settings.live().settings.alt_svc.clone(),
        ))
        .layer(cors())
        .service(answering);
    let watched = service_fn(move |request: Request<Body>| {
        let watch = Watch::new(&request, &watching).layer(&request);
        let answer = watch.layer(open.clone()).oneshot(request);
        async { Ok(answer.await?.map(Body::new)) }
    });
    ServiceBuilder::new()
        .map_request(move |request| admit(&admitting, request))
        .layer(SetRequestIdLayer::new(REQUEST_ID, Ids::new()))
        .service(watched)
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
fn admit(origin: &Origin, mut request: Request<Body>) -> Request<Body> {
    if !has_plain_id(&request) {
        request.headers_mut().remove(REQUEST_ID);
    }
    let live = origin.live();
    let admission = access::admit(&live.settings.token_keys, request.uri());
    if let Some(inner) = admission.path {
        *request.uri_mut() = inner;
    }
    if let Some(refusal) = admission.refusal {
        request.extensions_mut().insert(refusal);
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
    routes: Router,
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
    let limit = origin.live().settings.request_timeout;
    let limit = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, limit);
    limit.layer(routes).oneshot(request).await
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
        let id = format!("{:08x}-{count:x}", self.process);
        HeaderValue::try_from(id).ok().map(RequestId::new)
    }
}
