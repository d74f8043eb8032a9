//! Turns a session: its commands into transfers, what happens to those into events.
//!
//! One task, one transfer at a time. A transfer that fails for a passing reason is tried again
//! with growing pauses; when that does not help, the session looks for another rung.

use super::body::{Body, Pull};
use super::clock::Clock;
use super::cmcd::{Kind, Media, is_urgent};
use super::error::FetchError;
use super::hold::Hold;
use super::http::{Client, Opened, Purpose};
use super::limits::span;
use super::lists::{Lists, Place};
use super::stream::Stream;
use super::throttle::Turn;
use crate::player::abr::Abr;
use crate::player::event::{Command, Event, Rendered};
use crate::player::ladder::Ladder;
use crate::player::log::{Log, Outcome};
use crate::player::session::{Options, Session};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Sender, UnboundedReceiver};

/// While nothing arrives, the session is asked this often whether to go on.
pub(super) const TICK: Duration = Duration::from_millis(250);

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
    /// The init segments of the bytes and of every layer.
    pub inits: Vec<Bytes>,
    /// Whether the bytes are all there. An abandoned transfer leaves the first of them: what samples
    /// they hold is to be shown, and the rest of the segment follows from another rung.
    pub whole: bool,
    /// What of it is not to be shown, seconds from its start: what lies before the place that the start
    /// or a seek went to, or what came before from another rung.
    pub skip_s: f64,
    /// More frames than these are not of a segment as long as the manifest says: whoever renders it
    /// should stop there.
    pub most_frames: u64,
}

/// How to play a stream.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The session's options.
    pub options: Options,
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
    /// The ladder, as it was known at the end.
    pub ladder: Arc<Ladder>,
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
pub(super) async fn play_beside(
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
        sink,
        session,
        lists: stream.lists().clone(),
        spare: stream.ladder().is_layered() || !matches!(setup.options.abr, Abr::Fixed(_)),
        late: Vec::new(),
        clock: Clock::start(),
        seeks: setup.seeks.iter().copied().collect(),
        hold: Hold::default(),
        generator,
        entered: Some(setup.options.start_s).filter(|start_s| *start_s > 0.0),
        stalls_told: 0,
        closed: false,
        told: 0,
        error: None,
    };
    let complete = driver.run().await;
    Played {
        ladder: Arc::clone(driver.session.ladder()),
        log: driver.session.into_log(),
        error: driver.error,
        complete,
    }
}

pub(super) struct Driver<'a> {
    pub(super) client: &'a Client,
    pub(super) stream: &'a Stream,
    sink: &'a Sender<Segment>,
    pub(super) session: Session,
    /// What is known of where segments lie.
    pub(super) lists: Lists,
    /// Whether rungs other than the one in use may be wanted.
    pub(super) spare: bool,
    /// Rungs whose index could not be had ahead of time: only asked for when they are wanted.
    pub(super) late: Vec<usize>,
    pub(super) clock: Clock,
    /// Seeks to come.
    seeks: VecDeque<Jump>,
    hold: Hold,
    /// Where the generator says how far it is.
    pub(super) generator: Option<UnboundedReceiver<Rendered>>,
    /// Media time that the start or the last seek goes to, until that is here, seconds.
    entered: Option<f64>,
    /// Stalls that the server knows of.
    stalls_told: usize,
    /// Nobody takes the segments any more.
    pub(super) closed: bool,
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
                Command::Wait { until_s } => match self.to_list_ahead() {
                    Some((rung, ask)) => self.list_ahead(rung, &ask, until_s).await,
                    None => self.wait(until_s).await,
                },
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
    pub(super) fn take_news(&mut self, news: Option<Rendered>) -> Command {
        match news {
            Some(news) => self.tell(Event::Rendered(news)),
            None => {
                self.closed = true;
                Command::Continue
            }
        }
    }

    /// When the next seek is due; never, if there is none.
    pub(super) fn seek_at_s(&self) -> f64 {
        self.seeks.front().map_or(f64::INFINITY, |jump| jump.at_s)
    }

    /// Seeks, if it is time to.
    fn due(&mut self) -> Option<Command> {
        (self.clock.now_s() >= self.seek_at_s()).then(|| self.seek())
    }

    pub(super) fn seek(&mut self) -> Command {
        let Some(jump) = self.seeks.pop_front() else {
            return Command::Continue;
        };
        self.entered = Some(jump.to_s);
        self.hold.clear();
        self.tell(Event::Seek(jump.to_s))
    }

    /// Hands on what will change no more.
    pub(super) async fn release(&mut self) {
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
        let mut untried = self.lists.other_places();
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
            let starved = matches!(error, FetchError::Starved { .. });
            if untried > 0 && !starved && self.lists.go_on(&error).is_ok() {
                untried -= 1;
                self.tell(Event::Retried);
                continue;
            }
            untried = self.lists.other_places();
            let patience = self.client.patience();
            let url = self.wanted_url(segment, rung);
            let pause = url.and_then(|url| patience.pause_after(url.as_str(), attempt, &error));
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
                let ladder = self.session.ladder();
                let here = |to_s: &mut f64| ladder.segment_at(*to_s) == segment;
                let entered = self.entered.take_if(here);
                self.hold.put(Segment {
                    segment,
                    rung,
                    bytes,
                    layers: Vec::new(),
                    inits: self.lists.init(rung).cloned().into_iter().collect(),
                    whole: true,
                    skip_s: entered
                        .map_or(kept_s, |to_s| (to_s - ladder.start_s(segment)).max(kept_s)),
                    most_frames: self.lists.most_frames(segment, rung),
                });
            }
            Some(Outcome::Added) => {
                let init = self.lists.init(rung).cloned().unwrap_or_default();
                self.hold.add_layer(segment, rung, bytes, init);
            }
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
            inits: self.lists.init(rung).cloned().into_iter().collect(),
            whole: false,
            skip_s: kept_s,
            most_frames: self.lists.most_frames(segment, rung),
        });
    }

    /// What the server is told about the request for a segment.
    fn media(&mut self, segment: usize, rung: usize) -> Result<Media, FetchError> {
        let (session, stalls) = (&self.session, self.session.log().stalls.len());
        let ladder = session.ladder();
        let mut media = Media {
            buffer_s: session.buffer_s(),
            throughput_kbps: session.throughput_kbps(),
            urgent: is_urgent(session.state()),
            starved: stalls > self.stalls_told,
            ..Media::of(ladder, segment, rung)
        };
        self.stalls_told = stalls;
        // What comes after a layer is not known yet.
        let layer = rung > 0 && ladder.is_layered();
        if self.lists.knows(segment + 1, rung) && !layer {
            let here = self.lists.place(segment, rung)?;
            let next = self.lists.place(segment + 1, rung)?;
            media.next_range = next.range.map(span);
            if next.url != here.url {
                media.next = here.url.make_relative(&next.url);
            }
        }
        Ok(media)
    }

    async fn attempt(&mut self, segment: usize, rung: usize) -> Result<Attempt, FetchError> {
        if let Some(command) = self.list(segment, rung).await? {
            return Ok(Attempt::Interrupted(command));
        }
        let Place { url, range } = self.lists.place(segment, rung)?;
        let kept_s = self.session.kept_s();
        self.told = 0;
        let media = self.media(segment, rung)?;
        let purpose = Purpose {
            content: self.stream.content(),
            kind: Kind::Video,
            media: Some(&media),
        };
        let (client, clock, seek_at_s) = (self.client, self.clock, self.seek_at_s());
        let Opened { turn, mut body, .. } = tokio::select! {
            opened = client.open(&url, range, &purpose) => opened?,
            () = clock.until(seek_at_s) => return Ok(Attempt::Interrupted(self.seek())),
        };
        let interrupted = match turn {
            Some(turn) => {
                let nominal = self.session.ladder().size(segment, rung);
                self.shaped(turn, &mut body, nominal).await?
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

    /// Receives the body as the link lets it whose `turn` this is.
    async fn shaped(
        &mut self,
        turn: Turn<'_>,
        body: &mut Body,
        nominal: u64,
    ) -> Result<Option<Command>, FetchError> {
        let size = body.expected().unwrap_or(nominal);
        let mut shaped = turn.begin(size).await;
        self.tell(Event::FirstByte);
        loop {
            let (clock, seek_at_s) = (self.clock, self.seek_at_s());
            let bytes = tokio::select! {
                bytes = shaped.next(body) => bytes?,
                () = clock.until(seek_at_s) => return Ok(Some(self.seek())),
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

    pub(super) fn tell(&mut self, event: Event) -> Command {
        self.session.handle(self.clock.now_s(), event)
    }
}

/// The generator's next news, or `None` once it is gone; without a generator there never are any.
pub(super) async fn news(generator: &mut Option<UnboundedReceiver<Rendered>>) -> Option<Rendered> {
    match generator {
        Some(generator) => generator.recv().await,
        None => std::future::pending().await,
    }
}
