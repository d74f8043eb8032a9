//! `config.toml`: settings that are the same at every start.
//!
//! A flag takes precedence over its `PROMPTUS_…` environment variable, that over the file, and the
//! file over the default. Unknown keys are errors that show the line. The file in the top folder of
//! the repository lists every key with its default.

use crate::origin::Settings;
use serde::Deserialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The whole file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Config {
    /// The settings of `promptus serve`.
    pub serve: Settings,
}

/// A configuration file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file is not TOML, or has an unknown key or an invalid value.
    #[error("{}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The problem, with line and column, and what was expected.
        message: String,
    },
}

impl Config {
    /// Reads the file at `path`; without one, `config.toml` in the working directory if it exists,
    /// else the defaults.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_with(path, toml::Table::new())
    }

    /// The same, with these keys of `[serve]` in place of the file's.
    pub(crate) fn load_with(
        path: Option<&Path>,
        overrides: toml::Table,
    ) -> Result<Self, ConfigError> {
        let default = Path::new("config.toml");
        let exists = path.is_some() || default.is_file();
        let path = path.unwrap_or(default).to_owned();
        let text = match exists {
            true => fs::read_to_string(&path),
            false => Ok(String::new()),
        };
        let text = match text {
            Ok(text) => text,
            Err(source) => return Err(ConfigError::Io { path, source }),
        };
        Self::parse(&text, overrides).map_err(|error| {
            let message = error.to_string().trim_end().to_owned();
            ConfigError::Invalid { path, message }
        })
    }

    fn parse(text: &str, overrides: toml::Table) -> Result<Self, toml::de::Error> {
        // First as it is: only errors of the text itself show a line.
        let config = toml::from_str(text)?;
        if overrides.is_empty() {
            return Ok(config);
        }
        let mut file: toml::Table = toml::from_str(text)?;
        let serve = file.entry("serve");
        let serve = serve.or_insert_with(|| toml::Table::new().into());
        if let Some(serve) = serve.as_table_mut() {
            serve.extend(overrides);
        }
        Self::deserialize(file)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::origin::Listen;

    fn parse(text: &str) -> Result<Config, String> {
        let parsed = Config::parse(text, toml::Table::new());
        parsed.map_err(|error| error.to_string().trim_end().to_owned())
    }

    #[test]
    fn overrides_take_precedence_over_the_file() {
        let overrides = toml::Table::from_iter([("drain_delay_s".to_owned(), 7.into())]);
        let text = "[serve]\ndrain_delay_s = 2\ndrain_timeout_s = 3\n";
        let serve = Config::parse(text, overrides).unwrap().serve;
        let times = [serve.drain_delay, serve.drain_timeout];
        assert_eq!(times.map(|time| time.as_secs()), [7, 3]);
    }

    /// The shipped file with every key uncommented.
    fn shipped() -> String {
        let text = include_str!("../config.toml");
        let lines = text.lines().map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.contains(" = ") || setting.starts_with('[') => setting,
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_shipped_file_has_every_key_and_shows_the_defaults() {
        let defaults = parse(include_str!("../config.toml")).unwrap();
        assert_eq!(defaults, Config::default());
        let mut shown = parse(&shipped()).unwrap();
        let serve = &mut shown.serve;
        assert_eq!(serve.root.take(), Some("manifests".into()));
        assert!(serve.alt_svc.take().is_some());
        assert_eq!(serve.admin_listen.take(), Some(Listen::loopback(9090)));
        assert_eq!(serve.access_log.take(), Some("access.log".into()));
        assert!(!std::mem::take(&mut serve.token_keys).is_empty());
        assert_eq!(serve.steering.take().map(|s| s.pathway.len()), Some(2));
        assert_eq!(shown, defaults);
        let table: toml::Table = shipped().parse().unwrap();
        let error = parse("[serve]\nx = 1").unwrap_err();
        let expected = error.rsplit("expected one of").next().unwrap();
        for key in expected.split('`').skip(1).step_by(2) {
            assert!(table["serve"].get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_shown_in_their_line() {
        insta::assert_snapshot!(parse("[serve]\nlisten = \"127.0.0.1:80\"\nport = 80\n").unwrap_err(), @r##"
    TOML parse error at line 3, column 1
      |
    3 | port = 80
      | ^^^^
    unknown field `port`, expected one of `listen`, `admin_listen`, `root`, `cache_bytes`, `manifest_max_age_s`, `store_timeout_s`, `request_timeout_s`, `header_timeout_s`, `idle_timeout_s`, `drain_delay_s`, `drain_timeout_s`, `max_connections`, `alt_svc`, `access_log`, `token_keys`, `steering`
    "##);
        for (text, expected) in [
            ("cache_bytes = \"big\"", "string \"big\", expected u64"),
            ("store_timeout_s = 0", "seconds from 1 to 31536000, found 0"),
            ("drain_timeout_s = -1", "from 0 to 31536000, found -1"),
            ("idle_timeout_s = 9223372036854775807", "from 1 to 31536000"),
            ("listen = \"here\"", "a port, :PORT for all addresses"),
            (
                "token_keys = [\"short\"]",
                "16 bytes or more, found one of 5",
            ),
            ("alt_svc = \"a\\u0000\"", "visible characters"),
            ("steering = { pathway = [] }", "expected at least one"),
        ] {
            let error = parse(&format!("[serve]\n{text}\n")).unwrap_err();
            let shown = error.contains("line 2") && error.contains(expected);
            assert!(shown, "{error}");
        }
        insta::assert_snapshot!(parse("[server]\n").unwrap_err(), @r##"
    TOML parse error at line 1, column 2
      |
    1 | [server]
      |  ^^^^^^
    unknown field `server`, expected `serve`
    "##);
    }
}
