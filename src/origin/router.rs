//! Routes, and the layers around all of them.

use super::encoding::Encoding;
use super::object::Object;
use super::path::{Resource, RungPart};
use super::respond::Answer;
use super::{Origin, OriginError, headers, page};
use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, HeaderMap, RANGE};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use tower::ServiceBuilder;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

/// The origin as a service.
///
/// `/` is the catalogue page, `/catalogue.json` the same for programs, `/healthz` answers while
/// the process lives, and everything else is looked up among the titles.
pub fn router(origin: Origin) -> Router {
    let timeout = origin.shared.settings.request_timeout;
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
        .layer(TraceLayer::new_for_http())
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(headers::cors())
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            timeout,
        ));
    let others: MethodRouter<Origin> = get(resource);
    Router::new()
        .route("/", get(page::index))
        .route("/_page/{name}", get(page::asset))
        .route("/catalogue.json", get(page::catalogue))
        .route("/healthz", get(healthz))
        .fallback_service(others.with_state(origin.clone()))
        .with_state(origin)
        .layer(layers)
}

async fn healthz() -> impl IntoResponse {
    ([(CACHE_CONTROL, headers::NO_STORE)], "ok\n")
}

async fn resource(
    State(origin): State<Origin>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, OriginError> {
    let resource = Resource::parse(uri.path());
    let resource = resource.ok_or_else(|| OriginError::not_found(uri.path()))?;
    let object = origin.object(&resource).await?;
    let object = encoded(&origin, object, &headers).await?;
    let (path, immutable) = match &resource {
        Resource::File { path, immutable } => (path.as_str(), *immutable),
        Resource::Rung { part, .. } => {
            let made = matches!(part, RungPart::Media | RungPart::Iframes);
            ("", !made)
        }
        Resource::SegmentsMaster { .. } | Resource::SegmentsMpd { .. } => ("", false),
    };
    let answer = Answer {
        origin: &origin,
        method: &method,
        headers: &headers,
        object: &object,
        path,
        cache_control: match immutable {
            true => &headers::IMMUTABLE,
            false => &origin.shared.changing,
        },
    };
    answer.send().await
}

/// The object in the coding that the client likes best. Whoever wants a range gets it of the
/// plain text.
pub(super) async fn encoded(
    origin: &Origin,
    object: Object,
    headers: &HeaderMap,
) -> Result<Object, OriginError> {
    let wanted = Encoding::accepted(headers).filter(|_| !headers.contains_key(RANGE));
    match wanted.filter(|_| object.is_text()) {
        Some(encoding) => origin.encoded(&object, encoding).await,
        None => Ok(object),
    }
}
