//! What can be set about an origin, and what it is if nothing is said.

use std::time::Duration;

/// Limits and times of an origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of objects kept in memory. Default 256 MiB.
    pub cache_bytes: u64,
    /// How long a manifest is used before the store is asked again. Default 1 s.
    pub refresh: Duration,
    /// How long clients may use a manifest without asking again. Default 10 s.
    pub manifest_max_age: Duration,
    /// How long a request may take until its answer begins. Default 30 s.
    pub request_timeout: Duration,
    /// How long a connection may be silent. Default 75 s.
    pub idle_timeout: Duration,
    /// How long requests in flight may take to finish after the signal to stop. Default 10 s.
    pub drain_timeout: Duration,
    /// Connections served at once; further ones wait to be accepted. Default 10,000.
    pub max_connections: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cache_bytes: 256 << 20,
            refresh: Duration::from_secs(1),
            manifest_max_age: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            drain_timeout: Duration::from_secs(10),
            max_connections: 10_000,
        }
    }
}
