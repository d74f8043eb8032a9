//! Access control: signed, expiring tokens as a path prefix.
//!
//! Without keys everything is public. With keys, a title needs a token; what reveals no title is
//! public: health checks, metrics, steering, the collector of events, the files of the player, and
//! weights, whose names are hashes. The catalogue is closed. A token opens the watch page of its title
//! as well.
//!
//! A cache in front should leave the token out of its key, so that all viewers share one copy.
//! For nginx:
//!
//! ```text
//! location ~ ^/t/[0-9]+\.[0-9a-f]+(?<rest>/.*)$ { proxy_cache_key $rest$is_args$args; … }
//! ```
//!
//! and it must then check the token itself, or ask the origin with a HEAD (`auth_request`).

use crate::origin::percent::decode_part;
use crate::origin::token::{TokenError, TokenKeys, split};
use axum::http::Uri;
use std::time::{SystemTime, UNIX_EPOCH};

/// Public paths; one that ends in `/` is a prefix.
const OPEN: [&str; 8] = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/steering.json",
    "/cmcd",
    "/weights/",
    "/_player/",
];

/// Removes the token from a request's URI and checks it: the URI without it, if it has one, and why
/// the request is refused, if it is. Without keys, does nothing.
pub(super) fn admit(keys: &TokenKeys, uri: &Uri) -> (Option<Uri>, Option<TokenError>) {
    if keys.is_empty() {
        return (None, None);
    }
    let Some((token, path)) = split(uri.path()) else {
        let refusal = (!is_open(uri.path())).then_some(TokenError::Missing);
        return (None, refusal);
    };
    let inner = with_path(uri, path);
    let refusal = match inner {
        Some(_) => check(keys, token, path).err(),
        None => Some(TokenError::Missing),
    };
    (inner, refusal)
}

/// Whether a token opens a path now.
fn check(keys: &TokenKeys, token: &str, path: &str) -> Result<(), TokenError> {
    if is_open(path) {
        return Ok(());
    }
    let names: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let title = match *names {
        // No title has this name.
        ["watch", title] => title,
        [title, ..] => title,
        [] => "",
    };
    let title = decode_part(title).ok_or(TokenError::Wrong)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    keys.check(token, &title, now.map_or(0, |now| now.as_secs()))
}

fn is_open(path: &str) -> bool {
    let opens = |open: &&str| path == *open || open.ends_with('/') && path.starts_with(*open);
    OPEN.iter().any(opens)
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let query = uri.query().map(|query| format!("?{query}"));
    let text = format!("{path}{}", query.unwrap_or_default());
    Uri::builder().path_and_query(text).build().ok()
}
