//! Header fields of responses.
//!
//! Responses are public and the same for every client, so pages of any site may read them, errors
//! included (Fetch standard, CORS protocol). Caching follows RFC 9111, RFC 8246
//! (`immutable`) and RFC 5861 (`stale-while-revalidate`, `stale-if-error`).

use crate::origin::settings::Settings;
use crate::origin::titles::Object;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, LAST_MODIFIED, LINK, VARY,
};
use std::time::Duration;

/// Files in hash folders never change.
pub(crate) const IMMUTABLE: HeaderValue =
    HeaderValue::from_static("public, max-age=31536000, immutable");

/// The id of a request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Describes an object to players and caches (CTA-5006).
pub(crate) const CMSD_STATIC: HeaderName = HeaderName::from_static("cmsd-static");

/// Never to be stored by a cache.
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Caches may keep errors for a second, so that many players cause one request.
pub(crate) const FAILURE: HeaderValue = HeaderValue::from_static("public, max-age=1");

/// `Cache-Control` of manifests: how long they are fresh, and usable while they are revalidated or
/// the origin fails.
pub(crate) fn changing(settings: &Settings) -> HeaderValue {
    let age = settings.manifest_max_age.as_secs();
    let text = format!(
        "public, max-age={age}, stale-while-revalidate={}, stale-if-error=86400",
        age.saturating_mul(6)
    );
    HeaderValue::try_from(text).unwrap_or(NO_STORE)
}

/// The fields of a representation that is sent.
pub(super) fn of(object: &Object, cache_control: &HeaderValue) -> HeaderMap {
    let mut fields = always(object, cache_control);
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(object.content_type));
    if let Some(coding) = object.coding {
        fields.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    fields
}

/// The fields of every response about a representation, with content or without it (304, 416; RFC 9110
/// §15.4.5).
pub(super) fn always(object: &Object, cache_control: &HeaderValue) -> HeaderMap {
    // With room for those of every response.
    let mut fields = HeaderMap::with_capacity(20);
    fields.insert(CACHE_CONTROL, cache_control.clone());
    fields.insert(ETAG, object.etag.clone());
    if object.coding.is_none() {
        fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    if let Some(modified) = &object.modified {
        fields.insert(LAST_MODIFIED, modified.value.clone());
    }
    if object.is_text() {
        fields.insert(VARY, HeaderValue::from_static("accept-encoding"));
    }
    let (cmsd, link) = match object.hints.as_deref() {
        Some(hints) => (hints.cmsd.clone(), hints.link.clone()),
        None => (
            kind(object.content_type).map(HeaderValue::from_static),
            None,
        ),
    };
    fields.extend(cmsd.map(|cmsd| (CMSD_STATIC, cmsd)));
    fields.extend(link.map(|link| (LINK, link)));
    fields
}

/// `CMSD-Static` by media type.
fn kind(content_type: &str) -> Option<&'static str> {
    Some(match content_type {
        "application/vnd.apple.mpegurl" => "ot=m,sf=h,st=v",
        "application/dash+xml" => "ot=m,sf=d,st=v",
        "video/mp4" => "ot=v,st=v",
        _ => return None,
    })
}

/// Discloses timings to pages of any site (Resource Timing §4.5.1).
pub(crate) const TIMING: HeaderName = HeaderName::from_static("timing-allow-origin");

/// Fields of a response that pages of other sites may read. `alt-svc`, `cmsd-dynamic` and
/// `server-timing` are set by proxies and CDNs in front.
pub(crate) const EXPOSED: &str = "accept-ranges alt-svc cmsd-dynamic cmsd-static content-encoding \
    content-length content-range date etag link retry-after server-timing x-request-id";

/// Fields that pages of other sites may send.
pub(crate) const ALLOWED: &str = "range if-range if-match if-none-match if-modified-since \
    if-unmodified-since cmcd-object cmcd-request cmcd-session cmcd-status content-type x-request-id";

/// How long browsers may cache a preflight: a day.
pub(crate) const PREFLIGHT_AGE: Duration = Duration::from_secs(86_400);
