//! The session clock, and bodies slowed down to a trace.
//!
//! Shaping asks the same [`Link`] that the simulator asks, from the same moment of the link's clock,
//! and reports progress at the same points; a body that really is slower than the trace comes at its
//! own pace. The link's clock begins with the first request that goes through it: a title's manifest, or
//! a session's first segment where only the session is to be slow.

use super::body::Body;
use super::error::FetchError;
use crate::network::link::{Flow, Link};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep_until};

/// Seconds since the session, or the first request of a link, began.
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

/// A network as slow as a trace, for all requests of a client.
#[derive(Debug)]
pub(super) struct Throttle {
    link: Link,
    clock: OnceLock<Clock>,
    /// Held by the answer that is on its way.
    gate: Mutex<()>,
}

impl Throttle {
    pub(super) fn new(link: Link) -> Self {
        Self {
            link,
            clock: OnceLock::new(),
            gate: Mutex::new(()),
        }
    }

    /// Waits until no other answer is on its way; then a request may go out.
    pub(super) async fn turn(&self) -> Turn<'_> {
        let gate = self.gate.lock().await;
        let clock = *self.clock.get_or_init(Clock::start);
        Turn {
            link: &self.link,
            clock,
            requested_s: clock.now_s(),
            _gate: gate,
        }
    }
}

/// One request on a [`Throttle`], from before it goes out.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    link: &'a Link,
    clock: Clock,
    requested_s: f64,
    _gate: MutexGuard<'a, ()>,
}

impl<'a> Turn<'a> {
    /// Waits out the link's latency. `size` is what the body will have.
    pub(super) async fn begin(self, size: u64) -> Shaped<'a> {
        let at_s = self.requested_s + self.link.latency_s(self.requested_s);
        self.clock.until(at_s).await;
        Shaped {
            flow: self.link.flow(at_s, size),
            at_s,
            received: 0,
            turn: self,
        }
    }

    /// Receives all of `body`.
    pub(super) async fn receive(self, body: &mut Body) -> Result<(), FetchError> {
        let size = match body.expected() {
            Some(size) => size,
            None => {
                // How long it is tells only its end.
                while body.pull().await? {}
                body.received()
            }
        };
        let mut shaped = self.begin(size).await;
        while shaped.next(body).await?.is_some_and(|bytes| bytes < size) {}
        while body.pull().await? {}
        Ok(())
    }
}

/// A body that arrives as a link lets it.
#[derive(Debug)]
pub(super) struct Shaped<'a> {
    turn: Turn<'a>,
    flow: Flow,
    at_s: f64,
    received: u64,
}

impl Shaped<'_> {
    /// Waits for the next moment worth a report; returns the bytes that are in by then, or `None`
    /// when the body is over before that many came.
    pub(super) async fn next(&mut self, body: &mut Body) -> Result<Option<u64>, FetchError> {
        let next = self.flow.next(self.turn.link, self.at_s, self.received);
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
        self.turn.clock.until(at_s).await;
        (self.at_s, self.received) = (at_s, bytes);
        Ok(Some(bytes))
    }
}
