//! Settings of an origin: the `[serve]` table of `config.toml`, and their defaults.

use super::listen::Listen;
use super::steering::{Steering, SteeringError};
use super::token::TokenKeys;
use http::HeaderValue;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::path::PathBuf;
use std::time::Duration;

/// The longest time that can be set: a year, in seconds.
pub const LONGEST_S: u64 = 365 * 24 * 3600;

/// Settings of an origin. In a file, times are whole seconds and their keys end in `_s`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// Address that `promptus serve` listens on. Default port 8080 of the loopback address.
    pub listen: Listen,
    /// Separate address of `promptus serve` for health checks, metrics and players' reports.
    pub admin_listen: Option<Listen>,
    /// Folder of titles, a title, or URL of an object store. Used by `promptus serve`.
    pub root: Option<String>,
    /// Bytes of memory for cached files and generated manifests. Default 256 MiB.
    pub cache_bytes: u64,
    /// How long clients may use a manifest without revalidation. Default 10 s.
    #[serde(rename = "manifest_max_age_s", deserialize_with = "seconds::<0, _>")]
    pub manifest_max_age: Duration,
    /// Time limit of one attempt to read from the store, of three. Default 5 s.
    #[serde(rename = "store_timeout_s", deserialize_with = "seconds::<1, _>")]
    pub store_timeout: Duration,
    /// Time limit until a response begins; then 504 is sent. Default 30 s.
    #[serde(rename = "request_timeout_s", deserialize_with = "seconds::<1, _>")]
    pub request_timeout: Duration,
    /// Time limit for receiving the head of a request. Default 10 s.
    #[serde(rename = "header_timeout_s", deserialize_with = "seconds::<1, _>")]
    pub header_timeout: Duration,
    /// How long a connection may transfer nothing unless a response is prepared. Default 75 s.
    #[serde(rename = "idle_timeout_s", deserialize_with = "seconds::<1, _>")]
    pub idle_timeout: Duration,
    /// Time between SIGTERM, from when on `/readyz` answers 503, and the end of `accept`. Used by
    /// `promptus serve`; default 1 s.
    #[serde(rename = "drain_delay_s", deserialize_with = "seconds::<0, _>")]
    pub drain_delay: Duration,
    /// Time that requests in flight get to finish at shutdown. Default 10 s.
    #[serde(rename = "drain_timeout_s", deserialize_with = "seconds::<0, _>")]
    pub drain_timeout: Duration,
    /// Connections served at the same time; further ones wait in the backlog. Default 10,000.
    pub max_connections: usize,
    /// `Alt-Svc` of every response (RFC 7838), where a proxy in front speaks HTTP/3.
    #[serde(deserialize_with = "field_value")]
    pub alt_svc: Option<String>,
    /// File of the access log; `-` is standard output. Default none.
    pub access_log: Option<PathBuf>,
    /// Keys of access tokens. Without any, every title is public.
    pub token_keys: TokenKeys,
    /// Content steering. Default none.
    #[serde(deserialize_with = "steering")]
    pub steering: Option<Steering>,
    /// How long a manifest is used before the store is asked again. Default 1 s. Not in files.
    #[serde(skip)]
    pub refresh: Duration,
    /// Bytes of large files in all responses in flight. Default 128 MiB. Not in files.
    #[serde(skip)]
    pub in_flight_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: Listen::loopback(8080),
            admin_listen: None,
            root: None,
            cache_bytes: 256 << 20,
            manifest_max_age: Duration::from_secs(10),
            store_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            drain_delay: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(10),
            max_connections: 10_000,
            alt_svc: None,
            access_log: None,
            token_keys: TokenKeys::default(),
            steering: None,
            refresh: Duration::from_secs(1),
            in_flight_bytes: 128 << 20,
        }
    }
}

/// A setting made by a program that cannot be used; files are checked when they are read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// `alt_svc` cannot be the value of a header field.
    #[error("alt_svc: expected visible characters and blanks")]
    AltSvc,
    /// `steering` is inconsistent.
    #[error("steering: {0}")]
    Steering(#[from] SteeringError),
}

impl Settings {
    /// These settings after `change`.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Fails on text that cannot be the value of a field, and on inconsistent steering.
    pub fn check(&self) -> Result<(), SettingsError> {
        self.alt_svc.as_deref().map_or(Ok(()), check_field)?;
        self.steering.as_ref().map_or(Ok(()), Steering::check)?;
        Ok(())
    }

    /// Keys of the settings that differ from `other` and take effect at start only.
    pub(super) fn fixed_differences(&self, other: &Self) -> Vec<&'static str> {
        // Destructured, so that a new setting does not compile until it is classified.
        macro_rules! differing {
            ($($field:ident $key:literal),*; $($live:ident),*) => {{
                let Self { $($field,)* $($live: _),* } = self;
                [$(($key, *$field != other.$field)),*]
            }};
        }
        let fixed = differing!(
            listen "listen", admin_listen "admin_listen", root "root", cache_bytes "cache_bytes",
            store_timeout "store_timeout_s", header_timeout "header_timeout_s",
            idle_timeout "idle_timeout_s", drain_delay "drain_delay_s",
            max_connections "max_connections", refresh "refresh", in_flight_bytes "in_flight_bytes";
            manifest_max_age, request_timeout, drain_timeout, alt_svc, access_log, token_keys, steering
        );
        let differing = fixed.into_iter().filter(|(_, differs)| *differs);
        differing.map(|(name, _)| name).collect()
    }
}

fn check_field(text: &str) -> Result<(), SettingsError> {
    let valid = HeaderValue::from_str(text);
    valid.map(|_| ()).map_err(|_| SettingsError::AltSvc)
}

/// From `LEAST` seconds: limits begin with one, as nothing ends in no time.
fn seconds<'de, const LEAST: u64, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let number = i64::deserialize(from)?;
    let seconds = u64::try_from(number).ok();
    let allowed = seconds.filter(|seconds| (LEAST..=LONGEST_S).contains(seconds));
    let problem = || format!("expected seconds from {LEAST} to {LONGEST_S}, found {number}");
    let allowed = allowed.ok_or_else(|| Error::custom(problem()));
    allowed.map(Duration::from_secs)
}

fn steering<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Steering>, D::Error> {
    let steering = Steering::deserialize(deserializer)?;
    steering.check().map_err(Error::custom)?;
    Ok(Some(steering))
}

fn field_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    check_field(&text).map_err(Error::custom)?;
    Ok(Some(text))
}
