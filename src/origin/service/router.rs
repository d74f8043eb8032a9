//! Routes: which handler answers which path.

use super::events::{MAX_REPORT, collect};
use super::origin::Origin;
use super::{operators, page, player, steering};
use crate::origin::error::{OriginError, Result};
use crate::origin::http::{Reply, headers};
use crate::origin::titles::{Detour, ENTRY, Filter, Query, Resource, RungPart};
use axum::Router;
use axum::extract::Request;
use axum::http::header::{ALLOW, CACHE_CONTROL, HeaderValue, LOCATION};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::convert::Infallible;
use tower::service_fn;
use tower_http::limit::RequestBodyLimitLayer;

/// The routes of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// All routes.
    Whole,
    /// Those for players and viewers.
    Public,
    /// Health checks, metrics, and players' reports.
    Admin,
}

/// The routes behind the middleware.
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
    let titles = service_fn(move |request| title_resource(origin.clone(), request));
    Router::new()
        .route("/", get(page::file))
        .route("/_page/{name}", get(page::file))
        .route("/watch/{title}", get(player::watch))
        .route("/_player/{name}", get(player::file))
        .route("/_player/{digest}/{name}", get(player::immutable_file))
        .route("/catalogue.json", get(page::catalogue))
        .route("/steering.json", get(steering::steer))
        .route("/openapi.json", get(page::file))
        .fallback_service(titles)
}

fn admin() -> Router<Origin> {
    let limit = RequestBodyLimitLayer::new(MAX_REPORT);
    Router::new()
        .route("/healthz", get(operators::live))
        .route("/readyz", get(operators::ready))
        .route("/metrics", get(operators::metrics))
        .route("/cmcd", post(collect).layer(limit))
}

/// Any path that is looked up among the titles.
async fn title_resource(origin: Origin, request: Request) -> Result<Response, Infallible> {
    let (request, _) = request.into_parts();
    if ![Method::GET, Method::HEAD].contains(&request.method) {
        let allowed = [(ALLOW, "GET,HEAD")];
        return Ok((StatusCode::METHOD_NOT_ALLOWED, allowed).into_response());
    }
    let answer = resource(&origin, &request).await;
    Ok(answer.unwrap_or_else(IntoResponse::into_response))
}

async fn resource(origin: &Origin, request: &Parts) -> Result<Response> {
    let (uri, headers) = (&request.uri, &request.headers);
    let Some(resource) = Resource::parse(uri.path()) else {
        return redirected(origin, uri).await;
    };
    let live = origin.live();
    let filter = match (&resource, uri.query()) {
        (Resource::Manifest(manifest), Some(query)) => match Filter::parse(query)? {
            Query::Canonical(filter) => filter,
            Query::Other(canonical) => {
                let name = manifest.protocol.name();
                return Ok(redirect(&live.changing, name, &canonical));
            }
        },
        _ => Filter::default(),
    };
    let titles = &origin.shared.titles;
    let steered = live.settings.steering.is_some();
    let object = titles.object(&resource, &filter, steered).await?;
    let immutable = match &resource {
        Resource::File { immutable, .. } => *immutable,
        Resource::Weights { .. } => true,
        // Playlists of a hash folder may be rendered differently by another release.
        Resource::Rung { part, .. } => !matches!(part, RungPart::Playlist(_)),
        Resource::Manifest(_) => false,
    };
    let reply = Reply {
        titles,
        method: &request.method,
        headers,
        object,
        cache_control: match immutable {
            true => &headers::IMMUTABLE,
            false => &live.changing,
        },
        immutable,
    };
    reply.response().await
}

/// The redirect of a path that names no resource itself.
async fn redirected(origin: &Origin, uri: &Uri) -> Result<Response> {
    let not_found = || OriginError::not_found(uri.path());
    let detour = Detour::of(uri.path()).ok_or_else(not_found)?;
    if let Some(title) = &detour.title {
        let entry = format!("{title}/{ENTRY}");
        let entry = origin.shared.titles.file(&entry, false).await;
        entry.map_err(|error| match error {
            OriginError::NotFound { .. } => not_found(),
            error => error,
        })?;
    }
    let query = uri.query().unwrap_or("");
    Ok(redirect(&origin.live().changing, &detour.location, query))
}

/// 308 to a place relative to the request's, so that any prefix stays.
fn redirect(cache_control: &HeaderValue, place: &str, query: &str) -> Response {
    let mark = if query.is_empty() { "" } else { "?" };
    let place = HeaderValue::try_from(format!("{place}{mark}{query}")).ok();
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    let fields = response.headers_mut();
    fields.extend(place.map(|place| (LOCATION, place)));
    fields.insert(CACHE_CONTROL, cache_control.clone());
    response
}
