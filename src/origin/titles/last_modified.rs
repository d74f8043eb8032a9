//! `Last-Modified` dates, in whole seconds (RFC 9110 §8.8.2).

use http::HeaderValue;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A `Last-Modified` date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Modified {
    time: SystemTime,
    pub(crate) value: HeaderValue,
}

impl Modified {
    /// A date in seconds since 1970. `None` for one in the future, as no response may carry a date
    /// later than its `Date` (§8.8.2.1).
    pub(crate) fn at(seconds: u64) -> Option<Self> {
        let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
        // The year 9999 is the last that the format can express.
        if time > SystemTime::now() || seconds > 253_402_300_799 {
            return None;
        }
        let value = HeaderValue::try_from(httpdate::fmt_http_date(time)).ok()?;
        Some(Self { time, value })
    }

    /// Whether it is later than the date of a request's field; `None` if that is not a date.
    pub(crate) fn is_after(&self, date: &HeaderValue) -> Option<bool> {
        let date = httpdate::parse_http_date(date.to_str().ok()?).ok()?;
        Some(self.time > date)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_all_three_formats_are_compared_by_the_second() {
        let modified = Modified::at(784_111_777).unwrap();
        assert_eq!(modified.value, "Sun, 06 Nov 1994 08:49:37 GMT");
        for (date, after) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(false)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(false)),
            ("Sun Nov  6 08:49:37 1994", Some(false)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", Some(true)),
            ("yesterday", None),
            ("", None),
        ] {
            let date = HeaderValue::from_static(date);
            assert_eq!(modified.is_after(&date), after, "{date:?}");
        }
        // Dates in the future are not sent.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert_eq!(Modified::at(since.as_secs() + 9), None);
        assert_eq!(Modified::at(u64::MAX), None);
    }
}
