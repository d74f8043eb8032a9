//! Turns a session: its commands into transfers, what happens to those into events.
//!
//! One task, one transfer at a time. A transfer that fails for a passing reason is tried again
//! with growing pauses; when that does not help, the session looks for another rung.

use super::cmcd::{Kind, Media, is_urgent};
use super::error::FetchError;
use super::hold::Hold;
use super::http::{Body, Client, Pull, Purpose, span};
use super::shape::{Clock, Shaped};
use super::title::{Place, Stream};
use crate::player::event::{Command, Event, Rendered};
use crate::player::log::{Log, Outcome};
use crate::player::session::{Options, Session};
use crate::simulate::link::Link;
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc::{Sender, UnboundedReceiver};

/// While nothing arrives, the session is asked this often whether to go on.
const TICK: Duration = Duration::from_millis(250);

/// A media segment as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Segment number.
    pub segment: usize,
    /// Rung number.
    pub rung: usize,
    /// The bytes, `styp` included: those of the rung, or of the base layer.
    pub bytes: Bytes,
    /// The layers above the base up to number `rung`, where the stream is in layers.
    pub layers: Vec<Bytes>,
    /// Whether the bytes are all there. An abandoned transfer leaves the first of them: what samples
    /// they hold is to be shown, and the rest of the segment follows from another rung.
    pub whole: bool,
    /// What of it is not to be shown, seconds from its start: what lies before the place that a seek
    /// went to, or what came before from another rung.
    pub skip_s: f64,
}

/// How to play a stream.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The session's options.
    pub options: Options,
    /// Slow the connection down to this link.
    pub throttle: Option<Link>,
    /// Jumps, in the order in which they happen.
    pub seeks: Vec<Jump>,
}

/// A seek that is planned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jump {
    /// When, in seconds of the session clock.
    pub at_s: f64,
    /// Media time that it goes to, seconds.
    pub to_s: f64,
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

/// Plays `stream` to its end, sending its media segments to `sink` in the order in which they play.
/// Returns once the last is delivered and no seek is left: what the buffer still holds plays on
/// without help. Ends early when the receiver of `sink` is dropped. A full channel holds the session
/// up, so give it room.
pub async fn play(
    client: &Client,
    stream: &Stream,
    setup: &Setup,
    sink: &Sender<Segment>,
) -> Played {
    play_beside(client, stream, setup, sink, None).await
}

/// As [`play`], beside a generator that says how far it is: then it returns when the generator is
/// done, too. The options must say that the device is measured
/// ([`Compute::measured`](crate::player::pipeline::Compute::measured)).
pub async fn play_beside(
    client: &Client,
    stream: &Stream,
    setup: &Setup,
    sink: &Sender<Segment>,
    generator: Option<UnboundedReceiver<Rendered>>,
) -> Played {
    let session = Session::new(stream.ladder().clone(), &setup.options);
    let mut driver = Driver {
        client,
        stream,
        throttle: setup.throttle.as_ref(),
        sink,
        session,
        clock: Clock::start(),
        seeks: setup.seeks.iter().copied().collect(),
        hold: Hold::default(),
        generator,
        entered: None,
        stalls_told: 0,
        closed: false,
        told: 0,
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
    /// Seeks to come.
    seeks: VecDeque<Jump>,
    hold: Hold,
    /// Where the generator says how far it is.
    generator: Option<UnboundedReceiver<Rendered>>,
    /// Segment that the last seek went to, and how far into it, seconds.
    entered: Option<(usize, f64)>,
    /// Stalls that the server knows of.
    stalls_told: usize,
    /// Nobody takes the segments any more.
    closed: bool,
    /// Bytes of the running transfer that the session knows of.
    told: usize,
    /// The last transfer's failure.
    error: Option<FetchError>,
}

/// What became of one attempt at a transfer.
enum Attempt {
    /// All here.
    Delivered { bytes: Bytes, at_s: f64 },
    /// The session wants something else.
    Interrupted(Command),
}

impl Driver<'_> {
    /// Obeys the session to the end; whether everything was delivered.
    async fn run(&mut self) -> bool {
        let mut command = self.tell(Event::Start);
        loop {
            self.release().await;
            if self.closed {
                self.error = None;
                return false;
            }
            command = match command {
                Command::Fetch { segment, rung } | Command::Abandon { segment, rung } => {
                    match self.transfer(segment, rung).await {
                        Some(command) => command,
                        None => return false,
                    }
                }
                Command::Wait { until_s } => self.wait(until_s).await,
                Command::Drain { until_s }
                    if self.seek_at_s() < until_s || self.session.is_generating() =>
                {
                    self.release_all().await;
                    self.wait(until_s).await
                }
                Command::Drain { until_s } => {
                    self.seeks.clear();
                    self.session.handle(until_s, Event::Timer)
                }
                Command::Done => return self.hand_on_the_rest().await,
                Command::Continue | Command::GiveUp { .. } => return false,
            };
        }
    }

    /// Sleeps until `until_s`, or a moment only while segments may have to be handed on, or until
    /// there are news.
    async fn wait(&mut self, until_s: f64) -> Command {
        let nap_s = match self.seeks.is_empty() && self.hold.is_empty() {
            true => f64::INFINITY,
            false => self.clock.now_s() + TICK.as_secs_f64(),
        };
        let at_s = until_s.min(nap_s).min(self.seek_at_s());
        let clock = self.clock;
        tokio::select! {
            () = clock.until(at_s) => {}
            news = news(&mut self.generator) => return self.take_news(news),
        }
        match self.due() {
            Some(command) => command,
            None => {
                let now_s = self.clock.now_s().max(at_s);
                self.session.handle(now_s, Event::Timer)
            }
        }
    }

    /// Tells the session what the generator did; one that is gone takes no more segments.
    fn take_news(&mut self, news: Option<Rendered>) -> Command {
        match news {
            Some(news) => self.tell(Event::Rendered(news)),
            None => {
                self.closed = true;
                Command::Continue
            }
        }
    }

    /// When the next seek is due; never, if there is none.
    fn seek_at_s(&self) -> f64 {
        self.seeks.front().map_or(f64::INFINITY, |jump| jump.at_s)
    }

    /// Seeks, if it is time to.
    fn due(&mut self) -> Option<Command> {
        (self.clock.now_s() >= self.seek_at_s()).then(|| self.seek())
    }

    fn seek(&mut self) -> Command {
        let Some(jump) = self.seeks.pop_front() else {
            return Command::Continue;
        };
        let ladder = self.stream.ladder();
        let segment = ladder.segment_at(jump.to_s);
        self.entered = Some((segment, jump.to_s - ladder.start_s(segment)));
        self.hold.clear();
        self.tell(Event::Seek(jump.to_s))
    }

    /// Hands on what will change no more.
    async fn release(&mut self) {
        while let Some(segment) = self.hold.next(&self.session, !self.seeks.is_empty()) {
            self.closed |= self.sink.send(segment).await.is_err();
        }
    }

    /// Hands on everything, where it will not change and no seek is left.
    async fn release_all(&mut self) {
        while self.seeks.is_empty() {
            let Some(segment) = self.hold.rest() else {
                return;
            };
            self.closed |= self.sink.send(segment).await.is_err();
        }
    }

    async fn hand_on_the_rest(&mut self) -> bool {
        self.release().await;
        self.release_all().await;
        !self.closed
    }

    /// Fetches one segment, trying again as patience allows. `None` ends the session.
    async fn transfer(&mut self, segment: usize, rung: usize) -> Option<Command> {
        let mut attempt = 0;
        loop {
            let error = match self.attempt(segment, rung).await {
                Ok(Attempt::Delivered { bytes, at_s }) => {
                    self.error = None;
                    return Some(self.delivered(segment, rung, bytes, at_s));
                }
                Ok(Attempt::Interrupted(command)) => return Some(command),
                Err(error) => error,
            };
            tracing::warn!(segment, rung, attempt, %error, "a transfer failed");
            let patience = self.client.patience();
            let place = self.stream.place(segment, rung).ok();
            let pause = place.and_then(|place| patience.pause_after(&place.url, attempt, &error));
            let starved = matches!(error, FetchError::Starved { .. });
            self.error = Some(error);
            match pause {
                _ if starved => return None,
                Some(pause) => {
                    let at_s = self.clock.now_s() + pause.as_secs_f64();
                    self.clock.until(at_s.min(self.seek_at_s())).await;
                }
                None => return Some(self.tell(Event::Failed)),
            }
            if let Some(command) = self.due() {
                return Some(command);
            }
            self.tell(Event::Retried);
            attempt += 1;
        }
    }

    /// Tells the session, and keeps the bytes unless they came too late.
    fn delivered(&mut self, segment: usize, rung: usize, bytes: Bytes, at_s: f64) -> Command {
        let (length, kept_s) = (bytes.len() as u64, self.session.kept_s());
        let command = self.session.handle(at_s, Event::Delivered(length));
        let mut requests = self.session.log().requests.iter().rev();
        let request = requests.find(|r| r.segment == segment && r.rung == rung);
        match request.map(|request| request.outcome) {
            Some(Outcome::Delivered) => {
                let entered = self.entered.take_if(|entered| entered.0 == segment);
                self.hold.put(Segment {
                    segment,
                    rung,
                    bytes,
                    layers: Vec::new(),
                    whole: true,
                    skip_s: entered.map_or(kept_s, |(_, skip_s)| skip_s),
                });
            }
            Some(Outcome::Added) => self.hold.add_layer(segment, rung, bytes),
            _ => {}
        }
        command
    }

    /// Keeps what the session keeps of an abandoned transfer; before that it had kept `kept_s`.
    fn keep(&mut self, segment: usize, rung: usize, received: &[u8], kept_s: f64) {
        if self.session.kept_s() <= kept_s {
            return;
        }
        self.hold.put(Segment {
            segment,
            rung,
            bytes: Bytes::copy_from_slice(&received[..self.told.min(received.len())]),
            layers: Vec::new(),
            whole: false,
            skip_s: kept_s,
        });
    }

    /// What the server is told about the request for a segment.
    fn media(&mut self, segment: usize, rung: usize) -> Result<Media, FetchError> {
        let (session, stalls) = (&self.session, self.session.log().stalls.len());
        let mut media = Media {
            buffer_s: session.buffer_s(),
            throughput_kbps: session.throughput_kbps(),
            urgent: is_urgent(session.state()),
            starved: stalls > self.stalls_told,
            ..Media::of(self.stream.ladder(), segment, rung)
        };
        self.stalls_told = stalls;
        // What comes after a layer is not known yet.
        let layer = rung > 0 && self.stream.ladder().is_layered();
        if segment + 1 < self.stream.ladder().segments() && !layer {
            let here = self.stream.place(segment, rung)?;
            let next = self.stream.place(segment + 1, rung)?;
            media.next_range = next.range.map(span);
            if next.url != here.url {
                media.next = here.url.make_relative(&next.url);
            }
        }
        Ok(media)
    }

    async fn attempt(&mut self, segment: usize, rung: usize) -> Result<Attempt, FetchError> {
        let Place { url, range } = self.stream.place(segment, rung)?;
        let (requested_s, kept_s) = (self.clock.now_s(), self.session.kept_s());
        self.told = 0;
        let media = self.media(segment, rung)?;
        let purpose = Purpose {
            content: self.stream.content(),
            kind: Kind::Video,
            media: Some(&media),
        };
        let (client, clock, seek_at_s) = (self.client, self.clock, self.seek_at_s());
        let mut body = tokio::select! {
            body = client.open(&url, range, &purpose) => body?,
            () = clock.until(seek_at_s) => return Ok(Attempt::Interrupted(self.seek())),
        };
        let interrupted = match self.throttle {
            Some(link) => {
                let nominal = self.stream.ladder().size(segment, rung);
                self.shaped(link, requested_s, &mut body, nominal).await?
            }
            None => self.unshaped(&mut body).await?,
        };
        if let Some(command) = interrupted {
            if matches!(command, Command::Abandon { .. }) {
                self.keep(segment, rung, body.so_far(), kept_s);
            }
            return Ok(Attempt::Interrupted(command));
        }
        let at_s = self.clock.now_s();
        let bytes = Bytes::from(body.finish()?);
        Ok(Attempt::Delivered { bytes, at_s })
    }

    /// Reports progress: of the body `so_far` that there are `bytes`. A command when something
    /// else is to be done.
    async fn progressed(&mut self, so_far: &[u8], bytes: u64) -> Option<Command> {
        if let Some(command) = self.due() {
            return Some(command);
        }
        self.told = bytes as usize;
        let known = so_far.get(..self.told).unwrap_or(so_far);
        if let Some(seconds) = self.stream.playable_s(known) {
            self.tell(Event::Playable(seconds));
        }
        let command = self.tell(Event::Progress(bytes));
        self.release().await;
        (command != Command::Continue || self.closed).then_some(command)
    }

    /// Receives the body as fast as it comes; a command when the session wants something else.
    async fn unshaped(&mut self, body: &mut Body) -> Result<Option<Command>, FetchError> {
        self.tell(Event::FirstByte);
        loop {
            // Also while nothing moves, the session may have a better idea.
            let pull = tokio::select! {
                pull = body.pull_for(TICK) => pull?,
                news = news(&mut self.generator) => {
                    self.take_news(news);
                    Pull::Quiet
                }
            };
            if pull == Pull::End {
                return Ok(None);
            }
            let received = body.received();
            if let Some(command) = self.progressed(body.so_far(), received).await {
                return Ok(Some(command));
            }
        }
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
        let clock = self.clock;
        let mut shaped = Shaped::begin(&clock, link, requested_s, size).await;
        self.tell(Event::FirstByte);
        loop {
            let bytes = tokio::select! {
                bytes = shaped.next(&clock, body) => bytes?,
                news = news(&mut self.generator) => {
                    self.take_news(news);
                    if self.closed {
                        return Ok(Some(Command::Continue));
                    }
                    continue;
                }
            };
            let Some(bytes) = bytes else {
                return Ok(None);
            };
            if bytes >= size {
                while body.pull().await? {}
                return Ok(None);
            }
            if let Some(command) = self.progressed(body.so_far(), bytes).await {
                return Ok(Some(command));
            }
        }
    }

    fn tell(&mut self, event: Event) -> Command {
        self.session.handle(self.clock.now_s(), event)
    }
}

/// The generator's next news, or `None` once it is gone; without a generator there never are any.
async fn news(generator: &mut Option<UnboundedReceiver<Rendered>>) -> Option<Rendered> {
    match generator {
        Some(generator) => generator.recv().await,
        None => std::future::pending().await,
    }
}
