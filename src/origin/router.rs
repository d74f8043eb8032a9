//! Routes: which handler answers what.

use super::edge::Edge;
use super::encoding::Encoding;
use super::object::Object;
use super::path::{Manifest, Resource, RungPart};
use super::query::{Filter, Query};
use super::respond::Answer;
use super::telemetry::{MAX_REPORT, collect, expose};
use super::{Origin, OriginError, headers, health, page, steering, weights};
use axum::Router;
use axum::extract::Request;
use axum::http::header::{ALLOW, CACHE_CONTROL, HeaderMap, LOCATION, RANGE};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
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
    Router::new().fallback_service(Edge::new(origin).service(None))
}

/// The routes behind the edge.
pub(super) fn routes(origin: Origin) -> Router {
    let titles = service_fn({
        let origin = origin.clone();
        move |request| of_titles(origin.clone(), request)
    });
    Router::new()
        .route("/", get(page::index))
        .route("/_page/{name}", get(page::asset))
        .route("/catalogue.json", get(page::catalogue))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(expose))
        .route("/steering.json", get(steering::steer))
        .route("/openapi.json", get(page::openapi))
        .route(
            "/cmcd",
            post(collect).layer(RequestBodyLimitLayer::new(MAX_REPORT)),
        )
        .fallback_service(titles)
        .with_state(origin)
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
    let resource = Resource::parse(uri.path());
    let resource = resource.ok_or_else(|| OriginError::not_found(uri.path()))?;
    let filter = match (&resource, uri.query()) {
        (Resource::Manifest(manifest), Some(query)) => match Filter::parse(query)? {
            Query::Canonical(filter) => filter,
            Query::Other(canonical) => return Ok(moved(origin, manifest, &canonical)),
        },
        _ => Filter::default(),
    };
    let object = origin.object(&resource, &filter).await?;
    let object = encoded(origin, object, headers).await?;
    let weights;
    let (path, immutable) = match &resource {
        Resource::File { path, immutable } => (&**path, *immutable),
        Resource::Weights { hash } => {
            weights = weights::path(hash);
            (weights.as_str(), true)
        }
        Resource::Rung { part, .. } => {
            let made = matches!(part, RungPart::Media | RungPart::Iframes);
            ("", !made)
        }
        Resource::Manifest(_) => ("", false),
    };
    let live = origin.live();
    let answer = Answer {
        origin,
        method: &request.method,
        headers,
        object: &object,
        path,
        cache_control: match immutable {
            true => &headers::IMMUTABLE,
            false => &live.changing,
        },
        immutable,
    };
    answer.send().await
}

/// Sends to the one spelling of a query, relative to the manifest so that any prefix stays.
fn moved(origin: &Origin, manifest: &Manifest<'_>, query: &str) -> Response {
    let location = match query.is_empty() {
        true => manifest.spelling.name().to_owned(),
        false => format!("{}?{query}", manifest.spelling.name()),
    };
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    let fields = response.headers_mut();
    if let Ok(location) = location.try_into() {
        fields.insert(LOCATION, location);
    }
    fields.insert(CACHE_CONTROL, origin.live().changing.clone());
    response
}

/// The object in the coding that the client likes best. Whoever wants a range gets it of the
/// plain text.
pub(super) async fn encoded(
    origin: &Origin,
    object: Object,
    headers: &HeaderMap,
) -> Result<Object, OriginError> {
    if !object.is_text() || headers.contains_key(RANGE) {
        return Ok(object);
    }
    match Encoding::accepted(headers) {
        Some(encoding) => origin.encoded(&object, encoding).await,
        None => Ok(object),
    }
}
