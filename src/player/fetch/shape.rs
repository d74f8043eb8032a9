//! The session clock, and bodies slowed down to a trace.
//!
//! Shaping asks the same [`Link`] that the simulator asks, from the same moment of the session
//! clock, and reports progress at the same points; a body that really is slower than the trace
//! comes at its own pace.

use super::error::FetchError;
use super::http::Body;
use crate::simulate::link::{Flow, Link};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Seconds since the session began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    pub(super) fn now_s(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// Sleeps until `at_s`; at once if that is past.
    pub(super) async fn until(&self, at_s: f64) {
        // Days beyond any session: what is further away is as good as never.
        const FAR_S: f64 = 1e7;
        let at = Duration::try_from_secs_f64(at_s.min(FAR_S)).unwrap_or(Duration::ZERO);
        sleep_until(self.start + at).await;
    }
}

/// A body that arrives as a link lets it.
#[derive(Debug)]
pub(super) struct Shaped<'a> {
    link: &'a Link,
    flow: Flow,
    at_s: f64,
    received: u64,
}

impl<'a> Shaped<'a> {
    /// Waits out the link's latency for a request made at `requested_s`. `size` is what the body
    /// will have.
    pub(super) async fn begin(
        clock: &Clock,
        link: &'a Link,
        requested_s: f64,
        size: u64,
    ) -> Shaped<'a> {
        let at_s = requested_s + link.latency_s(requested_s);
        clock.until(at_s).await;
        Self {
            link,
            flow: link.flow(at_s, size),
            at_s,
            received: 0,
        }
    }

    /// Waits for the next moment worth a report; returns the bytes that are in by then, or `None`
    /// when the body is over before that many came.
    pub(super) async fn next(
        &mut self,
        clock: &Clock,
        body: &mut Body,
    ) -> Result<Option<u64>, FetchError> {
        let next = self.flow.next(self.link, self.at_s, self.received);
        let Some((at_s, bytes)) = next else {
            return Err(FetchError::Starved {
                url: body.url().to_string(),
            });
        };
        while body.received() < bytes {
            if !body.pull().await? {
                return Ok(None);
            }
        }
        clock.until(at_s).await;
        (self.at_s, self.received) = (at_s, bytes);
        Ok(Some(bytes))
    }
}
