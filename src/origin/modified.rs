//! When something was last changed, in whole seconds as HTTP counts them (RFC 9110 §8.8.2).
//!
//! The time is the title's own, from its `published.json`: every origin that serves a copy of the
//! title says the same, whatever the times of its files are. What has no such time has no
//! `Last-Modified`.

use super::cache::{Part, Wanted};
use super::object::Object;
use super::{Origin, OriginError};
use crate::manifest::{PUBLISHED, Publication};
use axum::http::HeaderValue;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A `Last-Modified`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Modified {
    time: SystemTime,
    pub(super) value: HeaderValue,
}

impl Modified {
    /// The second that `time` falls in. A time to come is not told: no answer may carry one later
    /// than its `Date` (§8.8.2.1).
    pub(super) fn at(time: SystemTime) -> Option<Self> {
        let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        // The year 9999 is the last that the format can say.
        if time > SystemTime::now() || seconds > 253_402_300_799 {
            return None;
        }
        let value = HeaderValue::try_from(httpdate::fmt_http_date(time)).ok()?;
        Some(Self { time, value })
    }

    /// Whether this is later than the date in a header; `None` if that is no date.
    pub(super) fn is_after(&self, date: &HeaderValue) -> Option<bool> {
        let date = httpdate::parse_http_date(date.to_str().ok()?).ok()?;
        Some(self.time > date)
    }
}

impl Origin {
    /// The object at `path` with the time at which it was published, as far as its title tells.
    ///
    /// Fails if the store does: without its time, the object would not be what other origins serve.
    pub(super) async fn dated(&self, path: &str, object: Object) -> Result<Object, OriginError> {
        let modified = self.published(path, &object).await?;
        Ok(object.changed(modified))
    }

    async fn published(
        &self,
        path: &str,
        object: &Object,
    ) -> Result<Option<Modified>, OriginError> {
        let place = path.split_once('/');
        let Some((title, name)) = place.filter(|(_, name)| *name != PUBLISHED) else {
            return Ok(None);
        };
        let beside = format!("{title}/{PUBLISHED}");
        let seconds = match name.split_once('/') {
            None => {
                let known = self.recent(&beside).await?;
                known.and_then(|known| known.file(name, object.digest()))
            }
            Some((edition, _)) => {
                let told = |known: Option<Publication>| known?.edition(edition);
                match told(self.recent(&beside).await?) {
                    None => told(self.newest(&beside).await?),
                    known => known,
                }
            }
        };
        Ok(seconds.and_then(|seconds| {
            Modified::at(UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?)
        }))
    }

    /// What the file at `path` said a moment ago.
    async fn recent(&self, path: &str) -> Result<Option<Publication>, OriginError> {
        let wanted = Wanted {
            path,
            part: &Part::Whole,
            immutable: false,
        };
        let read = || self.undated(path, false, TYPE);
        match self.shared.cache.object(wanted, read).await {
            Ok(object) => Ok(object.bytes().and_then(|bytes| Publication::read(bytes))),
            Err(error) if error.is_of_store() => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// What it says now: an edition is asked for as soon as a manifest names it.
    async fn newest(&self, path: &str) -> Result<Option<Publication>, OriginError> {
        match self.shared.store.read(path, LONGEST).await {
            Ok(read) => Ok(read.bytes.and_then(|bytes| Publication::read(&bytes))),
            Err(OriginError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The media type of `published.json`.
const TYPE: &str = "application/json";

/// Longest `published.json` that is read, in bytes.
const LONGEST: u64 = 1 << 20;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_in_every_spelling_of_a_date() {
        let modified = Modified::at(UNIX_EPOCH + Duration::from_millis(784_111_777_900)).unwrap();
        assert_eq!(modified.value, "Sun, 06 Nov 1994 08:49:37 GMT");
        for (date, after) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(false)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(false)),
            ("Sun Nov  6 08:49:37 1994", Some(false)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", Some(true)),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(
                modified.is_after(&HeaderValue::from_static(date)),
                after,
                "{date}"
            );
        }
    }

    #[test]
    fn times_to_come_are_not_told() {
        assert_eq!(
            Modified::at(SystemTime::now() + Duration::from_secs(9)),
            None
        );
    }
}
