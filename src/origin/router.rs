//! Routes: which handler answers what.

use super::edge::Edge;
use super::path::{Detour, Resource, RungPart};
use super::query::{Filter, Query};
use super::respond::{Answer, encoded};
use super::store::ENTRY;
use super::telemetry::{MAX_REPORT, collect, expose};
use super::{Origin, OriginError, headers, health, page, steering};
use axum::Router;
use axum::extract::Request;
use axum::http::header::{ALLOW, CACHE_CONTROL, LOCATION};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::convert::Infallible;
use tower::service_fn;
use tower_http::limit::RequestBodyLimitLayer;

/// The origin as a service.
///
/// `/` is the catalogue page, `/catalogue.json` the same for programs; `/openapi.json` describes
/// this and the other addresses for programs; everything else is looked up among the titles.
pub fn router(origin: Origin) -> Router {
    Router::new().fallback_service(Edge::new(origin, Surface::Whole).service(None))
}

/// Which of the routes a port has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surface {
    /// All of them.
    Whole,
    /// What players and viewers need.
    Public,
    /// Health, metrics, and what players report.
    Admin,
}

/// The routes behind the edge.
pub(super) fn routes(origin: Origin, surface: Surface) -> Router {
    let routes = match surface {
        Surface::Whole => public(&origin).merge(admin()),
        Surface::Public => public(&origin),
        Surface::Admin => admin(),
    };
    routes.with_state(origin)
}

fn public(origin: &Origin) -> Router<Origin> {
    let origin = origin.clone();
    let titles = service_fn(move |request| of_titles(origin.clone(), request));
    Router::new()
        .route("/", get(page::index))
        .route("/_page/{name}", get(page::asset))
        .route("/catalogue.json", get(page::catalogue))
        .route("/steering.json", get(steering::steer))
        .route("/openapi.json", get(page::openapi))
        .fallback_service(titles)
}

fn admin() -> Router<Origin> {
    let limit = RequestBodyLimitLayer::new(MAX_REPORT);
    Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(expose))
        .route("/cmcd", post(collect).layer(limit))
}

/// Whatever is looked up among the titles.
async fn of_titles(origin: Origin, request: Request) -> Result<Response, Infallible> {
    let (request, _) = request.into_parts();
    if ![Method::GET, Method::HEAD].contains(&request.method) {
        let allowed = [(ALLOW, "GET,HEAD")];
        return Ok((StatusCode::METHOD_NOT_ALLOWED, allowed).into_response());
    }
    let answer = resource(&origin, &request).await;
    Ok(answer.unwrap_or_else(IntoResponse::into_response))
}

async fn resource(origin: &Origin, request: &Parts) -> Result<Response, OriginError> {
    let (uri, headers) = (&request.uri, &request.headers);
    let Some(resource) = Resource::parse(uri.path()) else {
        return elsewhere(origin, uri).await;
    };
    let filter = match (&resource, uri.query()) {
        (Resource::Manifest(manifest), Some(query)) => match Filter::parse(query)? {
            Query::Canonical(filter) => filter,
            Query::Other(canonical) => {
                let name = manifest.spelling.name();
                return Ok(moved(origin, name, &canonical));
            }
        },
        _ => Filter::default(),
    };
    let object = origin.object(&resource, &filter).await?;
    let object = encoded(origin, object, headers).await?;
    let immutable = match &resource {
        Resource::File { immutable, .. } => *immutable,
        Resource::Weights { .. } => true,
        Resource::Rung { part, .. } => !matches!(part, RungPart::Media | RungPart::Iframes),
        Resource::Manifest(_) => false,
    };
    let live = origin.live();
    let answer = Answer {
        origin,
        method: &request.method,
        headers,
        object: &object,
        cache_control: match immutable {
            true => &headers::IMMUTABLE,
            false => &live.changing,
        },
        immutable,
    };
    answer.send().await
}

/// Where a path leads that names nothing itself.
async fn elsewhere(origin: &Origin, uri: &Uri) -> Result<Response, OriginError> {
    let detour = Detour::of(uri.path());
    let detour = detour.ok_or_else(|| OriginError::not_found(uri.path()))?;
    if let Some(title) = &detour.title {
        let entry = origin.file(&format!("{title}/{ENTRY}"), false).await;
        entry.map_err(|error| match error {
            OriginError::NotFound { .. } => OriginError::not_found(uri.path()),
            error => error,
        })?;
    }
    let query = uri.query().unwrap_or("");
    Ok(moved(origin, &detour.location, query))
}

/// Sends to a place relative to what was asked for, so that any prefix stays.
fn moved(origin: &Origin, place: &str, query: &str) -> Response {
    let location = match query.is_empty() {
        true => place.to_owned(),
        false => format!("{place}?{query}"),
    };
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    let fields = response.headers_mut();
    if let Ok(location) = location.try_into() {
        fields.insert(LOCATION, location);
    }
    fields.insert(CACHE_CONTROL, origin.live().changing.clone());
    response
}
