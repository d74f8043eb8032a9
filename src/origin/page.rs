//! The catalogue for people: a page whose parts are compiled in, and the JSON that fills it.

use super::object::Object;
use super::path::content_type;
use super::respond::Answer;
use super::router::encoded;
use super::{Origin, OriginError};
use axum::extract::{Path, State};
use axum::http::Method;
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::response::Response;
use bytes::Bytes;

const INDEX: &str = include_str!("../../static/page/index.html");

/// The addresses for programs, as an OpenAPI 3.1 document.
const OPENAPI: &str = include_str!("../../static/page/openapi.json");

/// Names and contents of what the page loads.
const ASSETS: [(&str, &str); 3] = [
    ("page.css", include_str!("../../static/page/page.css")),
    ("page.js", include_str!("../../static/page/page.js")),
    ("icon.svg", include_str!("../../static/page/icon.svg")),
];

/// Nothing from other hosts, nothing inline.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
);

/// To be checked with the origin every time.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// `/`.
pub(super) async fn index(
    State(origin): State<Origin>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, OriginError> {
    send(&origin, &method, &headers, "index.html", INDEX.into()).await
}

/// `/_page/NAME`.
pub(super) async fn asset(
    State(origin): State<Origin>,
    Path(name): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, OriginError> {
    let found = ASSETS.iter().find(|(asset, _)| *asset == name);
    let (name, text) = found.ok_or_else(|| OriginError::not_found(format!("_page/{name}")))?;
    send(
        &origin,
        &method,
        &headers,
        name,
        Bytes::from_static(text.as_bytes()),
    )
    .await
}

/// `/catalogue.json`: a [`super::Catalogue`].
pub(super) async fn catalogue(
    State(origin): State<Origin>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, OriginError> {
    let catalogue = origin.catalogue().await?;
    let json = serde_json::to_vec(&*catalogue);
    let json = json.map_err(|error| OriginError::damaged("catalogue.json", error.to_string()))?;
    send(&origin, &method, &headers, "catalogue.json", json.into()).await
}

/// `/openapi.json`: what this and the other addresses for programs answer.
pub(super) async fn openapi(
    State(origin): State<Origin>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, OriginError> {
    let bytes = Bytes::from_static(OPENAPI.as_bytes());
    send(&origin, &method, &headers, "openapi.json", bytes).await
}

async fn send(
    origin: &Origin,
    method: &Method,
    headers: &HeaderMap,
    name: &str,
    bytes: Bytes,
) -> Result<Response, OriginError> {
    let kind = content_type(name).unwrap_or("text/plain");
    let object = encoded(origin, Object::new(bytes, kind), headers).await?;
    let answer = Answer {
        origin,
        method,
        headers,
        object: &object,
        path: name,
        cache_control: &NO_CACHE,
        immutable: false,
    };
    let mut response = answer.send().await?;
    let fields = response.headers_mut();
    fields.insert(CONTENT_SECURITY_POLICY, POLICY);
    fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
