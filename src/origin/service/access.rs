//! Access control: signed, expiring tokens as a path prefix.
//!
//! Without keys everything is public. With keys, a title needs a token; what reveals no title is
//! public: health checks, metrics, steering, the collector of events, and weights, whose names are
//! hashes. The catalogue is closed.
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
use axum::http::uri::{Parts, PathAndQuery};
use std::time::{SystemTime, UNIX_EPOCH};

/// Public paths; one that ends in `/` is a prefix.
const OPEN: [&str; 7] = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/steering.json",
    "/cmcd",
    "/weights/",
];

/// Result of the check of a request's token.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Admission {
    /// The URI without its token, if it has one.
    pub(super) path: Option<Uri>,
    /// Why the request is refused.
    pub(super) refusal: Option<TokenError>,
}

/// Removes the token from a request's URI and checks it; without keys, does nothing.
pub(super) fn admit(keys: &TokenKeys, uri: &Uri) -> Admission {
    if keys.is_empty() {
        return Admission::default();
    }
    let Some((token, rest)) = split(uri.path()) else {
        let refusal = (!is_open(uri.path())).then_some(TokenError::Missing);
        let path = None;
        return Admission { path, refusal };
    };
    let path = with_path(uri, rest);
    let refusal = if path.is_some() {
        check(keys, token, rest, now()).err()
    } else {
        Some(TokenError::Missing)
    };
    Admission { path, refusal }
}

/// Whether a token opens a path at the time `now`, in seconds since 1970.
fn check(keys: &TokenKeys, token: &str, path: &str, now: u64) -> Result<(), TokenError> {
    if is_open(path) {
        return Ok(());
    }
    let title = path.trim_start_matches('/').split('/').next().unwrap_or("");
    let title = decode_part(title).ok_or(TokenError::Wrong)?;
    keys.check(token, &title, now)
}

fn is_open(path: &str) -> bool {
    let opens = |open: &&str| path == *open || open.ends_with('/') && path.starts_with(*open);
    OPEN.iter().any(opens)
}

/// Seconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let query = uri.query().map(|query| format!("?{query}"));
    let text = format!("{path}{}", query.unwrap_or_default());
    let mut parts = Parts::default();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn keys() -> TokenKeys {
        TokenKeys::new(vec![b"a key of some length".to_vec()]).unwrap()
    }

    fn admitted(path: &str) -> Result<Option<String>, TokenError> {
        let admission = admit(&keys(), &path.parse().unwrap());
        match admission.refusal {
            None => Ok(admission.path.map(|uri| uri.to_string())),
            Some(refusal) => Err(refusal),
        }
    }

    #[test]
    fn the_token_is_removed_and_the_rest_kept() {
        let prefix = keys().sign("my film", now() + 60).unwrap();
        let path = |rest: &str| admitted(&format!("{prefix}{rest}"));
        assert_eq!(
            path("/my%20film/master.m3u8?max_rank=2"),
            Ok(Some("/my%20film/master.m3u8?max_rank=2".into()))
        );
        assert_eq!(path("/other/master.m3u8"), Err(TokenError::Wrong));
        assert_eq!(path("/%zz/master.m3u8"), Err(TokenError::Wrong));
        assert_eq!(
            path("//my%20film/master.m3u8"),
            Ok(Some("//my%20film/master.m3u8".into()))
        );
        assert_eq!(path("/weights/x"), Ok(Some("/weights/x".into())));
        assert_eq!(
            path("/steering.json?a"),
            Ok(Some("/steering.json?a".into()))
        );
        let over = keys().sign("my film", now() - 1).unwrap();
        assert_eq!(
            admitted(&format!("{over}/my film/x").replace(' ', "%20")),
            Err(TokenError::Expired)
        );
    }

    #[test]
    fn only_paths_that_reveal_no_title_are_public() {
        for path in ["/healthz", "/metrics", "/weights/a.safetensors"] {
            assert_eq!(admitted(path), Ok(None), "{path}");
        }
        for path in [
            "/",
            "/catalogue.json",
            "/t/x/master.m3u8",
            "/film/master.m3u8",
            "/healthz/x",
        ] {
            assert_eq!(admitted(path), Err(TokenError::Missing), "{path}");
        }
        assert_eq!(
            admit(&TokenKeys::default(), &"/t/x/y".parse().unwrap()),
            Admission::default()
        );
    }
}
