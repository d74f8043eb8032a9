//! What can be set about an origin, and what it is if nothing is said.

use super::access::token::TokenKeys;
use super::steering::Steering;
use axum::http::HeaderValue;
use std::path::PathBuf;
use std::time::Duration;

/// Limits and times of an origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Bytes of memory for what was read and made. Default 256 MiB.
    pub cache_bytes: u64,
    /// How long a manifest is used before the store is asked again. Default 1 s.
    pub refresh: Duration,
    /// How long clients may use a manifest without asking again. Default 10 s.
    pub manifest_max_age: Duration,
    /// How long one try to read from the store may take; three are made. Default 5 s.
    pub store_timeout: Duration,
    /// How long a request may take until its answer begins. Default 30 s.
    pub request_timeout: Duration,
    /// How long a client may take to send the head of a request. Default 10 s.
    pub header_timeout: Duration,
    /// How long a connection may be silent while no answer is being prepared. Default 75 s.
    pub idle_timeout: Duration,
    /// How long requests in flight may take to finish after the signal to stop. Default 10 s.
    pub drain_timeout: Duration,
    /// Connections served at once; further ones wait to be accepted. Default 10,000.
    pub max_connections: usize,
    /// Value of an `Alt-Svc` field on every answer (RFC 7838): where a front speaks HTTP/3.
    pub alt_svc: Option<HeaderValue>,
    /// Keys of the tokens that open titles. Without any, every title is open.
    pub token_keys: TokenKeys,
    /// Where the access log goes; `-` is standard output. Without it, there is none.
    pub access_log: Option<PathBuf>,
    /// Where players are steered to. Without it, there is no steering.
    pub steering: Option<Steering>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cache_bytes: 256 << 20,
            refresh: Duration::from_secs(1),
            manifest_max_age: Duration::from_secs(10),
            store_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            drain_timeout: Duration::from_secs(10),
            max_connections: 10_000,
            alt_svc: None,
            token_keys: TokenKeys::default(),
            access_log: None,
            steering: None,
        }
    }
}

impl Settings {
    /// Names of settings that differ from `other` and count only when an origin starts.
    pub(super) fn fixed_differences(&self, other: &Self) -> Vec<&'static str> {
        // Every field by name: whoever adds one has to say when it counts.
        let Self {
            cache_bytes,
            refresh,
            store_timeout,
            header_timeout,
            idle_timeout,
            max_connections,
            manifest_max_age: _,
            request_timeout: _,
            drain_timeout: _,
            alt_svc: _,
            token_keys: _,
            access_log: _,
            steering: _,
        } = self;
        let differences = [
            ("cache_bytes", *cache_bytes != other.cache_bytes),
            ("refresh", *refresh != other.refresh),
            ("store_timeout", *store_timeout != other.store_timeout),
            ("header_timeout", *header_timeout != other.header_timeout),
            ("idle_timeout", *idle_timeout != other.idle_timeout),
            ("max_connections", *max_connections != other.max_connections),
        ];
        let differences = differences.into_iter().filter(|(_, differs)| *differs);
        differences.map(|(name, _)| name).collect()
    }
}
