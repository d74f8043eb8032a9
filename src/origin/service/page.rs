//! The catalogue page, whose files are compiled in, and the JSON that fills it.

use super::origin::Origin;
use crate::origin::error::{OriginError, Result};
use crate::origin::http::Reply;
use crate::origin::titles::Object;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use axum::response::Response;
use bytes::Bytes;

/// Paths, media types and contents. No file of a title has such a type.
#[rustfmt::skip] // A table.
const FILES: [(&str, &str, &str); 5] = [
    ("/", "text/html; charset=utf-8", include_str!("../../../static/page/index.html")),
    ("/_page/page.css", "text/css; charset=utf-8", include_str!("../../../static/page/page.css")),
    ("/_page/page.js", "text/javascript; charset=utf-8", include_str!("../../../static/page/page.js")),
    ("/_page/icon.svg", "image/svg+xml", include_str!("../../../static/page/icon.svg")),
    // Describes the addresses for programs (OpenAPI 3.1).
    ("/openapi.json", "application/json", include_str!("../../../static/page/openapi.json")),
];

/// No content from other hosts, no inline scripts or styles.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
);

/// To be revalidated at every use.
pub(super) const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// One of [`FILES`].
pub(super) async fn file(State(origin): State<Origin>, request: Request) -> Result<Response> {
    let path = request.uri().path();
    let found = FILES.iter().find(|(known, ..)| *known == path);
    let (_, kind, text) = found.ok_or_else(|| OriginError::not_found(path))?;
    let object = Object::new(Bytes::from_static(text.as_bytes()), kind);
    send(&origin, request, object).await
}

/// `/catalogue.json`: a [`Catalogue`](crate::origin::Catalogue).
pub(super) async fn catalogue(State(origin): State<Origin>, request: Request) -> Result<Response> {
    let json = origin.shared.listing.listed().await?.json.clone();
    send(&origin, request, json).await
}

async fn send(origin: &Origin, request: Request, object: Object) -> Result<Response> {
    let (request, _) = request.into_parts();
    let reply = Reply {
        titles: &origin.shared.titles,
        method: &request.method,
        headers: &request.headers,
        object,
        cache_control: &NO_CACHE,
        immutable: false,
    };
    let mut response = reply.response().await?;
    let fields = response.headers_mut();
    fields.insert(CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}
