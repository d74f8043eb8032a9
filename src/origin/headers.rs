//! Header fields of answers: how long they may be kept, who may read them.
//!
//! Everything here is public and the same for everyone, so every answer, errors included, may be
//! read by pages of any site (Fetch standard, CORS protocol). Caching follows RFC 9111, RFC 8246
//! (`immutable`) and RFC 5861 (`stale-while-revalidate`, `stale-if-error`).

use super::Settings;
use super::object::Object;
use axum::http::Method;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, VARY,
};
use axum::http::header::{
    CONTENT_LENGTH, CONTENT_RANGE, DATE, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, RANGE,
};
use std::time::Duration;
use tower_http::cors::{Any, CorsLayer};

/// Media of a published edition never changes: its folder is named for its content.
pub(super) const IMMUTABLE: HeaderValue =
    HeaderValue::from_static("public, max-age=31536000, immutable");

/// Never to be kept.
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// How long manifests may be kept, and used beyond that while a new one is fetched or cannot be.
pub(super) fn changing(settings: &Settings) -> HeaderValue {
    let age = settings.manifest_max_age.as_secs();
    let text = format!(
        "public, max-age={age}, stale-while-revalidate={}, stale-if-error=86400",
        age.saturating_mul(6)
    );
    HeaderValue::try_from(text).unwrap_or(NO_STORE)
}

/// The fields of a representation.
pub(super) fn of(object: &Object, cache_control: &HeaderValue) -> HeaderMap {
    let mut fields = HeaderMap::with_capacity(12);
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(object.content_type));
    fields.insert(ETAG, object.etag.clone());
    fields.insert(CACHE_CONTROL, cache_control.clone());
    match object.encoding {
        Some(encoding) => {
            fields.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
        }
        None => {
            fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        }
    }
    if object.is_text() {
        fields.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    fields
}

/// Takes away what describes content that is not sent (RFC 9110 §15.4.5).
pub(super) fn drop_content(fields: &mut HeaderMap) {
    fields.remove(CONTENT_TYPE);
    fields.remove(CONTENT_ENCODING);
}

/// Lets pages of any site read every answer, ask for ranges, and ask only once a day.
pub(super) fn cors() -> CorsLayer {
    let cmcd = ["cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status"];
    let mut allowed = vec![
        RANGE,
        IF_RANGE,
        IF_MATCH,
        IF_NONE_MATCH,
        IF_MODIFIED_SINCE,
        IF_UNMODIFIED_SINCE,
    ];
    allowed.extend(cmcd.map(HeaderName::from_static));
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::OPTIONS])
        .allow_headers(allowed)
        .expose_headers([
            ETAG,
            CONTENT_RANGE,
            CONTENT_LENGTH,
            ACCEPT_RANGES,
            DATE,
            HeaderName::from_static("x-request-id"),
        ])
        .max_age(Duration::from_secs(86_400))
        .vary([])
}
