//! Time-outs, and pauses between attempts at one request.
//!
//! Half of each pause is random, seeded per player, so that players that failed together do not retry
//! together. A server's `Retry-After` (RFC 9110 §10.2.3) is respected within bounds.

use super::error::FetchError;
use crate::player::random::Random;
use std::time::{Duration, SystemTime};

/// How long to wait, and how often to try again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    /// Time-out of connecting, and of waiting for the headers of an answer.
    pub answer: Duration,
    /// Time-out of waiting for more of a body.
    pub body: Duration,
    /// Attempts at one request, at least 1.
    pub attempts: u32,
    /// Pause before the second attempt. It doubles each time, up to 16-fold; half of it is random.
    pub pause: Duration,
    /// Upper bound of a server's `Retry-After`.
    pub longest: Duration,
    /// Seed of the random half, combined with the URL.
    pub seed: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(10),
            body: Duration::from_secs(10),
            attempts: 5,
            pause: Duration::from_millis(200),
            longest: Duration::from_secs(30),
            seed: 0,
        }
    }
}

impl Patience {
    /// The pause after attempt number `attempt` (from 0) at `url` failed with `error`; `None` to give
    /// up.
    pub(super) fn pause_after(
        &self,
        url: &str,
        attempt: u32,
        error: &FetchError,
    ) -> Option<Duration> {
        let pause = self.back_off(url, attempt)?;
        let asked = error.retry_after().unwrap_or_default().min(self.longest);
        error.is_passing().then_some(pause.max(asked))
    }

    /// The pause without a `Retry-After`.
    fn back_off(&self, url: &str, attempt: u32) -> Option<Duration> {
        let name = url.bytes().fold(self.seed, |hash, byte| {
            Random::new(hash ^ u64::from(byte)).bits()
        });
        let share = Random::new(name ^ u64::from(attempt)).between(0.5, 1.0);
        let longest = self.pause * (1 << attempt.min(4));
        (attempt + 1 < self.attempts).then(|| longest.mul_f64(share))
    }
}

/// The delay in a `Retry-After` header: seconds, or a date.
pub(super) fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::playback::error::AnswerProblem;

    const URL: &str = "http://host/1.m4s";

    #[test]
    fn pauses_double_and_end() {
        let patience = Patience {
            attempts: 8,
            ..Patience::default()
        };
        let pause = |attempt| patience.back_off(URL, attempt);
        let longest = [200, 400, 800, 1600, 3200, 3200, 3200].map(Duration::from_millis);
        for (attempt, longest) in (0..).zip(longest) {
            let range = Some(longest / 2)..=Some(longest);
            assert!(range.contains(&pause(attempt)), "{attempt}");
            assert_eq!(pause(attempt), pause(attempt));
        }
        assert_eq!(pause(7), None);
        let (mut seeded, other) = (patience, "http://host/2.m4s");
        seeded.seed = 1;
        assert_ne!(pause(0), seeded.back_off(URL, 0));
        assert_ne!(pause(0), patience.back_off(other, 0));
    }

    #[test]
    fn retry_after_is_respected_within_bounds() {
        let patience = Patience::default();
        let pause = |status, seconds: Option<u64>| {
            let retry_after = seconds.map(Duration::from_secs);
            let problem = AnswerProblem::Status {
                status,
                retry_after,
            };
            patience.pause_after(URL, 0, &problem.at(&URL.parse().unwrap()))
        };
        assert!(pause(503, None).unwrap() < Duration::from_secs(1));
        assert_eq!(pause(503, Some(7)), Some(Duration::from_secs(7)));
        assert_eq!(pause(429, Some(86_400)), Some(patience.longest));
        assert_eq!(pause(404, Some(7)), None);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, expected) in [
            ("120", Some(120)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            let delay = retry_after(text, now).map(|delay| delay.as_secs());
            assert_eq!(delay, expected, "{text}");
        }
    }
}
