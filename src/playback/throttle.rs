//! Answers slowed down to a recorded network.
//!
//! Shaping uses the simulator's [`Link`], from the same moment of the link's clock and with progress at
//! the same points. A body slower than the trace arrives at its own pace. The link's clock starts with
//! the first request: a title's manifest, or a session's first segment if only the session is throttled.

use super::body::Body;
use super::error::{AnswerProblem, FetchError};
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

    /// Sleeps until `at_s`; returns at once if that is past.
    pub(super) async fn until(&self, at_s: f64) {
        // Longer than any session. Infinity must not overflow the instant.
        const FAR_S: f64 = 1e7;
        let at = Duration::try_from_secs_f64(at_s.min(FAR_S)).unwrap_or(Duration::ZERO);
        sleep_until(self.start + at).await;
    }
}

#[derive(Debug)]
pub(super) struct Throttle {
    link: Link,
    clock: OnceLock<Clock>,
    /// Held by the answer being received.
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

    /// Waits until no other answer is being received.
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

/// The right to send one request on a [`Throttle`] and receive its answer.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    link: &'a Link,
    clock: Clock,
    requested_s: f64,
    _gate: MutexGuard<'a, ()>,
}

impl<'a> Turn<'a> {
    /// Waits for the link's latency. The body will have `size` bytes.
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

    pub(super) async fn receive(self, body: &mut Body) -> Result<(), FetchError> {
        let size = match body.expected() {
            Some(size) => size,
            None => {
                // Unknown length: the link needs it, so receive everything first.
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

/// A body received at the rate of a link.
#[derive(Debug)]
pub(super) struct Shaped<'a> {
    turn: Turn<'a>,
    flow: Flow,
    at_s: f64,
    received: u64,
}

impl Shaped<'_> {
    /// Waits for the next point of progress; returns the bytes received by then, or `None` if the body
    /// ends before.
    pub(super) async fn next(&mut self, body: &mut Body) -> Result<Option<u64>, FetchError> {
        let next = self.flow.next(self.turn.link, self.at_s, self.received);
        let Some((at_s, bytes)) = next else {
            return Err(AnswerProblem::Starved.at(body.url()));
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
