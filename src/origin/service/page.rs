//! The catalogue page, whose parts are compiled in, and the JSON that fills it.

use super::origin::Origin;
use crate::origin::error::OriginError;
use crate::origin::http::{Reply, encoded};
use crate::origin::titles::Object;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;

const INDEX: &str = include_str!("../../../static/page/index.html");

/// Describes the addresses for programs (OpenAPI 3.1).
const OPENAPI: &str = include_str!("../../../static/page/openapi.json");

/// Names, media types and contents of the page's files. No file of a title has such a type.
const ASSETS: [(&str, &str, &str); 3] = [
    (
        "page.css",
        "text/css; charset=utf-8",
        include_str!("../../../static/page/page.css"),
    ),
    (
        "page.js",
        "text/javascript; charset=utf-8",
        include_str!("../../../static/page/page.js"),
    ),
    (
        "icon.svg",
        "image/svg+xml",
        include_str!("../../../static/page/icon.svg"),
    ),
];

const JSON: &str = "application/json";

/// No content from other hosts, no inline scripts or styles.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
);

/// To be revalidated at every use.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// `/`.
pub(super) async fn index(
    State(origin): State<Origin>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, OriginError> {
    let page = Object::new(INDEX.into(), "text/html; charset=utf-8");
    send(&origin, &method, &headers, page).await
}

/// `/_page/NAME`.
pub(super) async fn asset(
    State(origin): State<Origin>,
    Path(name): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, OriginError> {
    let found = ASSETS.iter().find(|(asset, ..)| *asset == name);
    let (_, kind, text) = found.ok_or_else(|| OriginError::not_found(format!("_page/{name}")))?;
    let asset = Object::new(Bytes::from_static(text.as_bytes()), kind);
    send(&origin, &method, &headers, asset).await
}

/// `/catalogue.json`: a [`Catalogue`](crate::origin::Catalogue).
pub(super) async fn catalogue(
    State(origin): State<Origin>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, OriginError> {
    let json = origin.shared.listing.listed().await?.json.clone();
    send(&origin, &method, &headers, json).await
}

/// `/openapi.json`: describes the addresses for programs.
pub(super) async fn openapi(
    State(origin): State<Origin>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, OriginError> {
    let document = Object::new(OPENAPI.into(), JSON);
    send(&origin, &method, &headers, document).await
}

async fn send(
    origin: &Origin,
    method: &Method,
    headers: &HeaderMap,
    object: Object,
) -> Result<Response, OriginError> {
    let titles = &origin.shared.titles;
    let object = encoded(titles, object, headers).await?;
    let reply = Reply {
        titles,
        method,
        headers,
        object: &object,
        cache_control: &NO_CACHE,
        immutable: false,
    };
    let mut response = reply.response().await?;
    response
        .headers_mut()
        .insert(CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}
