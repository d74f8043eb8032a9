//! Turns a session: its commands into transfers, what happens to those into events.
//!
//! One task, one transfer at a time. A transfer that fails for a passing reason is tried again
//! with growing pauses; when that does not help, the session looks for another rung.

use super::error::FetchError;
use super::http::{Body, Client, Pull};
use super::shape::{Clock, Shaped};
use super::title::{Place, Stream};
use crate::player::event::{Command, Event};
use crate::player::log::Log;
use crate::player::session::{Options, Session};
use crate::simulate::link::Link;
use bytes::Bytes;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::time::sleep;

/// While nothing arrives, the session is asked this often whether to go on.
const TICK: Duration = Duration::from_millis(250);

/// A media segment as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Segment number.
    pub segment: usize,
    /// Rung number.
    pub rung: usize,
    /// The bytes, `styp` included.
    pub bytes: Bytes,
}

/// How to play a stream.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The session's options.
    pub options: Options,
    /// Slow the connection down to this link.
    pub throttle: Option<Link>,
}

/// How it went.
#[derive(Debug)]
pub struct Played {
    /// What was decided.
    pub log: Log,
    /// Why it ended early, if it did. `None` also when the receiver of the segments went away.
    pub error: Option<FetchError>,
    /// Whether every segment was delivered.
    pub complete: bool,
}

/// Plays `stream` to its end, sending its media segments to `sink` in order. Returns once the last
/// is delivered: what the buffer still holds plays on without help. Ends early when the receiver
/// of `sink` is dropped. A full channel holds the session up, so give it room.
pub async fn play(
    client: &Client,
    stream: &Stream,
    setup: &Setup,
    sink: &Sender<Segment>,
) -> Played {
    let session = Session::new(stream.ladder().clone(), &setup.options);
    let mut driver = Driver {
        client,
        stream,
        throttle: setup.throttle.as_ref(),
        sink,
        session,
        clock: Clock::start(),
        error: None,
    };
    let complete = driver.run().await;
    Played {
        log: driver.session.into_log(),
        error: driver.error,
        complete,
    }
}

struct Driver<'a> {
    client: &'a Client,
    stream: &'a Stream,
    throttle: Option<&'a Link>,
    sink: &'a Sender<Segment>,
    session: Session,
    clock: Clock,
    /// The last transfer's failure.
    error: Option<FetchError>,
}

/// What became of one attempt at a transfer.
enum Attempt {
    /// All here, and handed on.
    Delivered { bytes: u64, at_s: f64 },
    /// The session wants something else.
    Interrupted(Command),
    /// Nobody takes the segments any more.
    Closed,
}

impl Driver<'_> {
    /// Obeys the session to the end; whether everything was delivered.
    async fn run(&mut self) -> bool {
        let mut command = self.tell(Event::Start);
        loop {
            command = match command {
                Command::Fetch { segment, rung } | Command::Abandon { segment, rung } => {
                    match self.transfer(segment, rung).await {
                        Some(command) => command,
                        None => return false,
                    }
                }
                Command::Wait { until_s } => {
                    self.clock.until(until_s).await;
                    self.session
                        .handle(self.clock.now_s().max(until_s), Event::Timer)
                }
                Command::Drain { until_s } => self.session.handle(until_s, Event::Timer),
                Command::Done => return true,
                Command::Continue | Command::GiveUp { .. } => return false,
            };
        }
    }

    /// Fetches one segment, trying again as patience allows. `None` ends the session.
    async fn transfer(&mut self, segment: usize, rung: usize) -> Option<Command> {
        let mut attempt = 0;
        loop {
            let error = match self.attempt(segment, rung).await {
                Ok(Attempt::Delivered { bytes, at_s }) => {
                    self.error = None;
                    return Some(self.session.handle(at_s, Event::Delivered(bytes)));
                }
                Ok(Attempt::Interrupted(command)) => return Some(command),
                Ok(Attempt::Closed) => {
                    self.error = None;
                    return None;
                }
                Err(error) => error,
            };
            tracing::warn!(segment, rung, attempt, %error, "a transfer failed");
            let pause = self.client.patience().pause_after(attempt);
            let starved = matches!(error, FetchError::Starved { .. });
            let passing = error.is_passing();
            self.error = Some(error);
            match pause {
                _ if starved => return None,
                Some(pause) if passing => sleep(pause).await,
                _ => return Some(self.tell(Event::Failed)),
            }
            self.tell(Event::Retried);
            attempt += 1;
        }
    }

    async fn attempt(&mut self, segment: usize, rung: usize) -> Result<Attempt, FetchError> {
        let Place { url, range } = self.stream.place(segment, rung)?;
        let requested_s = self.clock.now_s();
        let mut body = self.client.open(&url, range).await?;
        let interrupted = match self.throttle {
            Some(link) => {
                let nominal = self.stream.ladder().size(segment, rung);
                self.shaped(link, requested_s, &mut body, nominal).await?
            }
            None => self.unshaped(&mut body).await?,
        };
        if let Some(command) = interrupted {
            return Ok(Attempt::Interrupted(command));
        }
        let at_s = self.clock.now_s();
        let bytes = Bytes::from(body.finish()?);
        let length = bytes.len() as u64;
        if self
            .sink
            .send(Segment {
                segment,
                rung,
                bytes,
            })
            .await
            .is_err()
        {
            return Ok(Attempt::Closed);
        }
        Ok(Attempt::Delivered {
            bytes: length,
            at_s,
        })
    }

    /// Receives the body as fast as it comes; a command when the session wants something else.
    async fn unshaped(&mut self, body: &mut Body) -> Result<Option<Command>, FetchError> {
        self.tell(Event::FirstByte);
        // Also while nothing moves, the session may have a better idea.
        while body.pull_for(TICK).await? != Pull::End {
            match self.tell(Event::Progress(body.received())) {
                Command::Continue => {}
                other => return Ok(Some(other)),
            }
        }
        Ok(None)
    }

    /// Receives the body as `link` lets it.
    async fn shaped(
        &mut self,
        link: &Link,
        requested_s: f64,
        body: &mut Body,
        nominal: u64,
    ) -> Result<Option<Command>, FetchError> {
        let size = body.expected().unwrap_or(nominal);
        let mut shaped = Shaped::begin(&self.clock, link, requested_s, size).await;
        self.tell(Event::FirstByte);
        while let Some(bytes) = shaped.next(&self.clock, body).await? {
            if bytes >= size {
                while body.pull().await? {}
                break;
            }
            match self.tell(Event::Progress(bytes)) {
                Command::Continue => {}
                other => return Ok(Some(other)),
            }
        }
        Ok(None)
    }

    fn tell(&mut self, event: Event) -> Command {
        self.session.handle(self.clock.now_s(), event)
    }
}
