//! `config.toml`: what can be set once instead of on every command line.
//!
//! A flag wins over its `PROMPTUS_…` environment variable, which wins over the file, which wins
//! over the default. Unknown keys are errors that show the line. The file at the top of the
//! repository names every key with its default.

mod listen;

pub use listen::{Listen, ListenError};

use crate::origin::{MIN_KEY, Settings, Steering, TokenKeys};
use axum::http::HeaderValue;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest time that can be set, seconds: a year.
pub const LONGEST_S: u64 = 365 * 24 * 3600;

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What `promptus serve` does.
    pub serve: Serve,
}

/// `[serve]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Serve {
    /// Where to listen.
    pub listen: Listen,
    /// Where to listen for health, metrics and what players report, if that is to be apart.
    pub admin_listen: Option<Listen>,
    /// Folder of titles, relative to the working directory, or URL of an object store.
    pub root: Option<String>,
    /// Bytes of titles kept in memory.
    pub cache_bytes: u64,
    /// Seconds that clients may use a manifest without asking again.
    #[serde(deserialize_with = "seconds")]
    pub manifest_max_age_s: u64,
    /// Seconds that one try to read from the store may take.
    #[serde(deserialize_with = "some_seconds")]
    pub store_timeout_s: u64,
    /// Seconds that a request may take until its answer begins.
    #[serde(deserialize_with = "some_seconds")]
    pub request_timeout_s: u64,
    /// Seconds that a client may take to send the head of a request.
    #[serde(deserialize_with = "some_seconds")]
    pub header_timeout_s: u64,
    /// Seconds that a connection may be silent.
    #[serde(deserialize_with = "some_seconds")]
    pub idle_timeout_s: u64,
    /// Seconds that it goes on as before after SIGTERM, but for `/readyz`, which answers 503.
    #[serde(deserialize_with = "seconds")]
    pub drain_delay_s: u64,
    /// Seconds that requests in flight may take to finish when the server is stopped.
    #[serde(deserialize_with = "seconds")]
    pub drain_timeout_s: u64,
    /// Connections served at once.
    pub max_connections: usize,
    /// Value of an `Alt-Svc` field on every answer.
    #[serde(deserialize_with = "field_value")]
    pub alt_svc: Option<String>,
    /// Where the access log goes; `-` is standard output.
    pub access_log: Option<PathBuf>,
    /// Keys of the tokens that open titles; the first signs.
    #[serde(deserialize_with = "keys")]
    pub token_keys: Vec<String>,
    /// Where players are steered to.
    #[serde(deserialize_with = "steering")]
    pub steering: Option<Steering>,
}

impl Default for Serve {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            listen: Listen::loopback(8080),
            admin_listen: None,
            root: None,
            cache_bytes: settings.cache_bytes,
            manifest_max_age_s: settings.manifest_max_age.as_secs(),
            store_timeout_s: settings.store_timeout.as_secs(),
            request_timeout_s: settings.request_timeout.as_secs(),
            header_timeout_s: settings.header_timeout.as_secs(),
            idle_timeout_s: settings.idle_timeout.as_secs(),
            drain_delay_s: 1,
            drain_timeout_s: settings.drain_timeout.as_secs(),
            max_connections: settings.max_connections,
            alt_svc: None,
            access_log: None,
            token_keys: Vec::new(),
            steering: None,
        }
    }
}

impl Serve {
    /// The same as the origin wants it: every field by name, so that none is forgotten.
    ///
    /// Fails on what a file could not have said: a key that is too short, text that cannot stand in a
    /// field, steering that makes no sense.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let alt_svc = self.alt_svc.as_ref();
        let alt_svc = alt_svc.map(HeaderValue::try_from).transpose();
        let alt_svc = alt_svc.map_err(|_| ConfigError::setting("alt_svc", VISIBLE))?;
        if let Some(problem) = self.steering.as_ref().and_then(Steering::problem) {
            return Err(ConfigError::setting("steering", problem));
        }
        Ok(Settings {
            cache_bytes: self.cache_bytes,
            refresh: Settings::default().refresh,
            manifest_max_age: Duration::from_secs(self.manifest_max_age_s),
            store_timeout: Duration::from_secs(self.store_timeout_s),
            request_timeout: Duration::from_secs(self.request_timeout_s),
            header_timeout: Duration::from_secs(self.header_timeout_s),
            idle_timeout: Duration::from_secs(self.idle_timeout_s),
            drain_timeout: Duration::from_secs(self.drain_timeout_s),
            max_connections: self.max_connections,
            alt_svc,
            token_keys: self.token_keys()?,
            access_log: self.access_log.clone(),
            steering: self.steering.clone(),
        })
    }

    /// The keys of tokens.
    ///
    /// Fails on a key that is too short.
    pub fn token_keys(&self) -> Result<TokenKeys, ConfigError> {
        let keys = self.token_keys.iter().map(|key| key.as_bytes().to_vec());
        TokenKeys::new(keys.collect())
            .ok_or_else(|| ConfigError::setting("token_keys", long_keys()))
    }

    /// Names of what differs from `other` and counts only when `promptus serve` starts, beside what
    /// the origin itself knows of.
    pub fn fixed_differences(&self, other: &Self) -> Vec<&'static str> {
        let differences = [
            ("listen", self.listen != other.listen),
            ("admin_listen", self.admin_listen != other.admin_listen),
            ("root", self.root != other.root),
            ("drain_delay_s", self.drain_delay_s != other.drain_delay_s),
        ];
        let differences = differences.into_iter().filter(|(_, differs)| *differs);
        differences.map(|(name, _)| name).collect()
    }
}

/// What an `Alt-Svc` must be.
const VISIBLE: &str = "expected visible characters and blanks";

fn long_keys() -> String {
    format!("expected keys of {MIN_KEY} bytes or more")
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    within(deserializer, 0)
}

/// Without any time at all nothing would work.
fn some_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    within(deserializer, 1)
}

fn within<'de, D: Deserializer<'de>>(deserializer: D, least: u64) -> Result<u64, D::Error> {
    let number = i64::deserialize(deserializer)?;
    let seconds = u64::try_from(number).ok();
    let allowed = seconds.filter(|seconds| (least..=LONGEST_S).contains(seconds));
    allowed.ok_or_else(|| {
        D::Error::custom(format!(
            "expected seconds from {least} to {LONGEST_S}, found {number}"
        ))
    })
}

fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let keys = Vec::<String>::deserialize(deserializer)?;
    match keys.iter().all(|key| key.len() >= MIN_KEY) {
        true => Ok(keys),
        false => Err(D::Error::custom(long_keys())),
    }
}

fn steering<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Steering>, D::Error> {
    let steering = Steering::deserialize(deserializer)?;
    match steering.problem() {
        None => Ok(Some(steering)),
        Some(problem) => Err(D::Error::custom(problem)),
    }
}

/// Text that can stand in a header field.
fn field_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match HeaderValue::try_from(&text) {
        Ok(_) => Ok(Some(text)),
        Err(_) => Err(D::Error::custom(VISIBLE)),
    }
}

/// A configuration file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no TOML, or says something that has no meaning; the message shows the line.
    #[error("{}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column, and what was expected.
        message: String,
    },
    /// A setting that was made by a program makes no sense.
    #[error("{name}: {problem}")]
    Setting {
        /// The key.
        name: &'static str,
        /// What is wrong with its value, and what was expected.
        problem: String,
    },
}

impl ConfigError {
    fn setting(name: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::Setting { name, problem }
    }
}

impl Config {
    /// Reads the file at `path`; without one, `config.toml` in the working directory if there is
    /// one, else nothing but defaults.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let default = Path::new("config.toml");
        let path = match path {
            Some(path) => path,
            None if default.is_file() => default,
            None => return Ok(Self::default()),
        };
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError::Invalid {
            path: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("config.toml"), text).map_err(|error| error.to_string())
    }

    /// The shipped file with every key switched on.
    fn shipped() -> String {
        let text = include_str!("../config.toml");
        let lines = text.lines().map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.contains(" = ") || setting.starts_with('[') => setting,
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_shipped_file_changes_nothing_and_names_every_default() {
        assert_eq!(
            parse(include_str!("../config.toml")).unwrap(),
            Config::default()
        );
        let mut spelt_out = parse(&shipped()).unwrap();
        assert_eq!(spelt_out.serve.root.take(), Some("manifests".into()));
        assert!(spelt_out.serve.alt_svc.take().is_some());
        let admin = spelt_out.serve.admin_listen.take();
        assert_eq!(admin, Some(Listen::loopback(9090)));
        assert_eq!(spelt_out.serve.access_log.take(), Some("access.log".into()));
        assert_eq!(std::mem::take(&mut spelt_out.serve.token_keys).len(), 2);
        assert_eq!(
            spelt_out.serve.steering.take().map(|s| s.pathway.len()),
            Some(2)
        );
        assert_eq!(spelt_out, Config::default());
    }

    #[test]
    fn what_the_file_says_reaches_the_origin() {
        let serve = parse(&shipped()).unwrap().serve;
        let settings = serve.settings().unwrap();
        assert_eq!(settings.access_log, Some("access.log".into()));
        assert_eq!(settings.token_keys, serve.token_keys().unwrap());
        assert_ne!(settings.token_keys, TokenKeys::default());
        assert_eq!(settings.steering, serve.steering);
        assert!(settings.steering.is_some() && settings.alt_svc.is_some());
    }

    #[test]
    fn what_no_file_could_say_is_an_error_too() {
        for (serve, problem) in [
            (
                Serve {
                    token_keys: vec!["short".into()],
                    ..Serve::default()
                },
                "token_keys: expected keys of 16 bytes or more",
            ),
            (
                Serve {
                    alt_svc: Some("a\0".into()),
                    ..Serve::default()
                },
                "alt_svc: expected visible characters",
            ),
        ] {
            let error = serve.settings().unwrap_err().to_string();
            assert!(error.starts_with(problem), "{error}");
        }
    }

    #[test]
    fn the_shipped_file_leaves_no_key_out() {
        let table: toml::Table = shipped().parse().unwrap();
        let error = parse("[serve]\nx = 1").unwrap_err();
        let expected = error.rsplit("expected one of").next().unwrap();
        let keys = expected.split('`').skip(1).step_by(2);
        for key in keys {
            assert!(table["serve"].get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_shown_in_their_line() {
        insta::assert_snapshot!(parse("[serve]\nlisten = \"127.0.0.1:80\"\nport = 80\n").unwrap_err(), @r##"
    config.toml: TOML parse error at line 3, column 1
      |
    3 | port = 80
      | ^^^^
    unknown field `port`, expected one of `listen`, `admin_listen`, `root`, `cache_bytes`, `manifest_max_age_s`, `store_timeout_s`, `request_timeout_s`, `header_timeout_s`, `idle_timeout_s`, `drain_delay_s`, `drain_timeout_s`, `max_connections`, `alt_svc`, `access_log`, `token_keys`, `steering`
    "##);
        insta::assert_snapshot!(parse("[serve]\ncache_bytes = \"big\"\n").unwrap_err(), @r##"
    config.toml: TOML parse error at line 2, column 15
      |
    2 | cache_bytes = "big"
      |               ^^^^^
    invalid type: string "big", expected u64
    "##);
        insta::assert_snapshot!(parse("[serve]\nstore_timeout_s = 0\n").unwrap_err(), @r##"
    config.toml: TOML parse error at line 2, column 19
      |
    2 | store_timeout_s = 0
      |                   ^
    expected seconds from 1 to 31536000, found 0
    "##);
        for (text, expected) in [
            ("drain_timeout_s = -1", "from 0 to 31536000, found -1"),
            ("idle_timeout_s = 9223372036854775807", "from 1 to 31536000"),
            (
                "listen = \"here\"",
                "expected a port, :PORT for all addresses",
            ),
        ] {
            let error = parse(&format!("[serve]\n{text}\n")).unwrap_err();
            assert!(
                error.contains("line 2") && error.contains(expected),
                "{error}"
            );
        }
        let error = parse("[serve]\ntoken_keys = [\"short\"]\n").unwrap_err();
        assert!(
            error.contains("line 2") && error.contains("16 bytes or more"),
            "{error}"
        );
        let wrong = "[serve.steering]\npathway = [{ id = \"a\", weight = -1.0, host = \"h\" }]\n";
        let error = parse(wrong).unwrap_err();
        assert!(error.contains("weight of pathway `a`: expected"), "{error}");
        let error = parse("[serve]\nalt_svc = \"a\\u0000\"\n").unwrap_err();
        assert!(
            error.contains("line 2") && error.contains("visible"),
            "{error}"
        );
        insta::assert_snapshot!(parse("[server]\n").unwrap_err(), @r##"
    config.toml: TOML parse error at line 1, column 2
      |
    1 | [server]
      |  ^^^^^^
    unknown field `server`, expected `serve`
    "##);
    }
}
