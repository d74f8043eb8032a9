//! Header fields of answers: how long they may be kept, who may read them.
//!
//! Everything here is public and the same for everyone, so every answer, errors included, may be
//! read by pages of any site (Fetch standard, CORS protocol). Caching follows RFC 9111, RFC 8246
//! (`immutable`) and RFC 5861 (`stale-while-revalidate`, `stale-if-error`).

use super::Settings;
use super::layout::CMSD_STATIC;
use super::object::Object;
use axum::http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    LAST_MODIFIED, VARY,
};

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
    if let Some(modified) = &object.modified {
        fields.insert(LAST_MODIFIED, modified.value.clone());
    }
    if object.is_text() {
        fields.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    match &object.hints {
        Some(hints) => {
            fields.extend(
                hints
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
        }
        None => {
            if let Some(kind) = kind(object.content_type) {
                fields.insert(CMSD_STATIC, HeaderValue::from_static(kind));
            }
        }
    }
    fields
}

/// What `CMSD-Static` says of an object of which no more than its type is known.
fn kind(content_type: &str) -> Option<&'static str> {
    Some(match content_type {
        "application/vnd.apple.mpegurl" => "ot=m,sf=h,st=v",
        "application/dash+xml" => "ot=m,sf=d,st=v",
        "video/mp4" => "ot=v,st=v",
        _ => return None,
    })
}

/// Takes away what describes content that is not sent (RFC 9110 §15.4.5).
pub(super) fn drop_content(fields: &mut HeaderMap) {
    fields.remove(CONTENT_TYPE);
    fields.remove(CONTENT_ENCODING);
}

/// Fields that let pages of any site read an answer, timing included.
pub(super) const OPEN: [(HeaderName, HeaderValue); 3] = [
    (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    (
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(
            "accept-ranges, alt-svc, cmsd-dynamic, cmsd-static, content-encoding, content-length, \
             content-range, date, etag, link, retry-after, server-timing, x-request-id",
        ),
    ),
    (
        HeaderName::from_static("timing-allow-origin"),
        HeaderValue::from_static("*"),
    ),
];

/// What a preflight allows on top, to be asked for once a day.
pub(super) const PREFLIGHT: [(HeaderName, HeaderValue); 3] = [
    (
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, HEAD, POST, OPTIONS"),
    ),
    (
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static(
            "range, if-range, if-match, if-none-match, if-modified-since, if-unmodified-since, \
             cmcd-object, cmcd-request, cmcd-session, cmcd-status, content-type, x-request-id",
        ),
    ),
    (ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
];
