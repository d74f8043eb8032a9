//! A monotonic clock in seconds, as sessions and links count time.

use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Seconds since the session, or the first request of a link, began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that shows 0 now.
    pub(super) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    pub(super) fn now_s(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// Sleeps until `at_s`; returns at once if that is past.
    pub(super) async fn until(&self, at_s: f64) {
        // Longer than any session. Infinity must not overflow the instant.
        const FAR_S: f64 = 1e7;
        let at = Duration::try_from_secs_f64(at_s.min(FAR_S)).unwrap_or(Duration::ZERO);
        sleep_until(self.start + at).await;
    }
}
