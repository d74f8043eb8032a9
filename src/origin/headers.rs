//! Header fields of answers: how long they may be kept, who may read them.
//!
//! Everything here is public and the same for everyone, so every answer, errors included, may be
//! read by pages of any site (Fetch standard, CORS protocol). Caching follows RFC 9111, RFC 8246
//! (`immutable`) and RFC 5861 (`stale-while-revalidate`, `stale-if-error`).

use super::Settings;
use super::layout::CMSD_STATIC;
use super::object::Object;
use axum::http::header::{
    ACCEPT_RANGES, ALT_SVC, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, LINK, RANGE, RETRY_AFTER, VARY,
};
use std::time::Duration;

/// Media of a published edition never changes: its folder is named for its content.
pub(super) const IMMUTABLE: HeaderValue =
    HeaderValue::from_static("public, max-age=31536000, immutable");

/// The field that carries the id of a request.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Never to be kept.
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Errors may be kept for a second, so that a crowd of players asks once.
pub(super) const FAILURE: HeaderValue = HeaderValue::from_static("public, max-age=1");

/// How long manifests may be kept, and used beyond that while a new one is fetched or cannot be.
pub(super) fn changing(settings: &Settings) -> HeaderValue {
    let age = settings.manifest_max_age.as_secs();
    let text = format!(
        "public, max-age={age}, stale-while-revalidate={}, stale-if-error=86400",
        age.saturating_mul(6)
    );
    HeaderValue::try_from(text).unwrap_or(NO_STORE)
}

/// Fields that an answer has beside those of its representation, about.
const OTHERS: usize = 10;

/// The fields of a representation.
pub(super) fn of(object: &Object, cache_control: &HeaderValue) -> HeaderMap {
    with(object, cache_control, |_| true)
}

/// The fields of a representation whose content is not sent (RFC 9110 §15.4.5).
pub(super) fn bare(object: &Object, cache_control: &HeaderValue) -> HeaderMap {
    with(object, cache_control, |name| {
        *name != CONTENT_TYPE && *name != CONTENT_ENCODING
    })
}

/// The constant fields that are `wanted` with another, and room for those that layers add.
fn with(
    object: &Object,
    cache_control: &HeaderValue,
    wanted: impl Fn(&HeaderName) -> bool,
) -> HeaderMap {
    let constant = object.prepared(constant);
    let mut fields = HeaderMap::with_capacity(constant.len() + OTHERS);
    for (name, value) in constant.iter().filter(|(name, _)| wanted(name)) {
        fields.append(name, value.clone());
    }
    fields.insert(CACHE_CONTROL, cache_control.clone());
    fields
}

/// The fields of a representation that are the same in every answer.
fn constant(object: &Object) -> HeaderMap {
    let mut fields = HeaderMap::new();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(object.content_type));
    fields.insert(ETAG, object.etag.clone());
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

/// Lets pages of any site see how long an answer took (Resource Timing §4.5.1).
pub(super) const TIMING: HeaderName = HeaderName::from_static("timing-allow-origin");

/// Fields of an answer that pages of other sites may read.
pub(super) const EXPOSED: [HeaderName; 13] = [
    ACCEPT_RANGES,
    ALT_SVC,
    HeaderName::from_static("cmsd-dynamic"),
    CMSD_STATIC,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    DATE,
    ETAG,
    LINK,
    RETRY_AFTER,
    HeaderName::from_static("server-timing"),
    REQUEST_ID,
];

/// Fields that pages of other sites may send.
pub(super) const ALLOWED: [HeaderName; 12] = [
    RANGE,
    IF_RANGE,
    IF_MATCH,
    IF_NONE_MATCH,
    IF_MODIFIED_SINCE,
    IF_UNMODIFIED_SINCE,
    HeaderName::from_static("cmcd-object"),
    HeaderName::from_static("cmcd-request"),
    HeaderName::from_static("cmcd-session"),
    HeaderName::from_static("cmcd-status"),
    CONTENT_TYPE,
    REQUEST_ID,
];

/// How long a page may go by the answer to a preflight: a day.
pub(super) const PREFLIGHT_AGE: Duration = Duration::from_secs(86_400);
