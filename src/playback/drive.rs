//! Drives a player over real connections: actions become transfers, their progress becomes inputs.
//!
//! One task, one transfer at a time. The player core decides; this module has the sockets, the clock, the
//! planned seeks, and the pauses between attempts.

use super::body::{Body, Pull};
use super::cmcd::Fetch;
use super::controls::Controls;
use super::error::FetchError;
use super::http::{Client, Opened};
use super::indexes::named;
use super::queue::QueueSender;
use super::resolve::{resolve, span};
use super::stream::Stream;
use super::throttle::{Clock, Turn};
use crate::player::abr::Abr;
use crate::player::client::{Action, Ending, Input, Player, Request, RequestId, Segment};
use crate::player::cmcd::{Kind, Media};
use crate::player::event::{Event, Rendered};
use crate::player::index::{self as player, Resource};
use crate::player::ladder::Ladder;
use crate::player::log::Log;
use crate::player::session::{Options, OwnRule, Session};
use bytes::Bytes;
use reqwest::Url;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// Interval of polls of the player while nothing arrives, seconds.
const TICK_S: f64 = 0.25;

/// How to play a stream.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The session's options.
    pub options: Options,
    /// A rule written outside the crate, in place of the one that the options name.
    pub rule: Option<OwnRule>,
    /// Jumps, in the order in which they happen.
    pub seeks: Vec<Jump>,
    /// Controls of the session while it plays.
    pub controls: Option<Controls>,
}

impl Setup {
    fn session(&self, stream: &Stream) -> Session {
        let ladder = Arc::clone(stream.ladder());
        match &self.rule {
            Some(rule) => rule.session(ladder, &self.options),
            None => Session::new(ladder, &self.options),
        }
    }
}

/// A planned seek.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jump {
    /// When, in seconds of the session clock.
    pub at_s: f64,
    /// Media time that it goes to, seconds.
    pub to_s: f64,
}

/// A finished session.
#[derive(Debug)]
pub struct Played {
    /// Its decisions.
    pub log: Log,
    /// The error that ended it early. `None` also when the receiver of the segments was dropped.
    pub error: Option<FetchError>,
    /// Whether every segment was delivered.
    pub complete: bool,
    /// The ladder as known at the end.
    pub ladder: Arc<Ladder>,
}

/// Progress of a generator, with the number of seeks before the segment.
pub(super) type Progress = (usize, Rendered);

/// Plays `stream` to its end, sending its media segments to `sink` ([`queue`](super::queue())) in the order
/// in which they play. Without controls it returns once the last segment is delivered and no seek is left.
/// Ends early when the receiver is dropped. A full queue delays the session.
pub async fn play(
    client: &Client,
    stream: &Stream,
    setup: &Setup,
    sink: &QueueSender<Segment>,
) -> Played {
    play_rendered(client, stream, setup, sink, None).await
}

/// As [`play`], with a generator that reports its progress, until that is done, too. The options must have
/// a measured device ([`Compute::measured`](crate::player::compute::Compute::measured)).
pub(super) async fn play_rendered(
    client: &Client,
    stream: &Stream,
    setup: &Setup,
    sink: &QueueSender<Segment>,
    generator: Option<UnboundedReceiver<Progress>>,
) -> Played {
    let fixed = setup.rule.is_none() && matches!(setup.options.abr, Abr::Fixed(_));
    let one_rung = fixed && !stream.ladder().is_layered();
    let mut driver = Driver {
        client,
        stream,
        sink,
        player: Player::new(setup.session(stream), stream.index.clone(), one_rung),
        clock: Clock::start(),
        seeks: setup.seeks.iter().copied().collect(),
        controls: setup.controls.as_ref(),
        generator,
        stalls_reported: 0,
        closed: false,
        error: None,
    };
    let complete = driver.run().await;
    let session = driver.player.into_session();
    Played {
        ladder: Arc::clone(session.ladder()),
        log: session.into_log(),
        error: driver.error.filter(|_| !complete && !driver.closed),
        complete,
    }
}

struct Driver<'a> {
    client: &'a Client,
    stream: &'a Stream,
    sink: &'a QueueSender<Segment>,
    player: Player,
    clock: Clock,
    seeks: VecDeque<Jump>,
    controls: Option<&'a Controls>,
    generator: Option<UnboundedReceiver<Progress>>,
    stalls_reported: usize,
    /// Whether the receiver of the segments, or the generator, was dropped.
    closed: bool,
    error: Option<FetchError>,
}

enum Aside {
    Tick,
    Seek,
    Rendered(Option<Progress>),
    Control(Input<'static>),
}

/// A body, and the bytes received for it; `None` if its request was cancelled.
type Answered = Option<(Bytes, u64)>;

impl Driver<'_> {
    /// Performs the player's actions to the end; whether everything was delivered.
    async fn run(&mut self) -> bool {
        self.player.hand_on_shown(!self.seeks.is_empty());
        self.tell(Input::Start);
        let mut now_s = self.clock.now_s();
        while !self.closed {
            match self.player.poll(now_s) {
                Action::Request(request) => {
                    let starved = self.transfer(&request).await;
                    if starved {
                        return false;
                    }
                }
                Action::Decode(segment) => self.hand_on(segment).await,
                Action::Wait { until_s } => {
                    now_s = self.wait(until_s).await;
                    continue;
                }
                Action::Drain { until_s } => {
                    now_s = self.drain(until_s).await;
                    continue;
                }
                Action::Cancel(_) => {}
                Action::End(ending) => return ending == Ending::Finished,
            }
            now_s = self.clock.now_s();
        }
        false
    }

    fn tell(&mut self, input: Input<'_>) {
        if let Err(error) = self.player.input(self.clock.now_s(), input) {
            self.error = Some(named(&self.stream.source.url, error));
        }
    }

    async fn hand_on(&mut self, segment: Segment) {
        self.closed |= !self.sink.send(segment).await;
    }

    /// Waits for events before the end at `until_s`; if there can be none, that is the end already.
    async fn drain(&mut self, until_s: f64) -> f64 {
        let generating = self.player.session().is_generating();
        let open = self.controls.is_some() || self.seek_at_s() < until_s || generating;
        if open || until_s.is_infinite() {
            return self.wait(until_s).await;
        }
        self.seeks.clear();
        self.player.hand_on_shown(false);
        until_s
    }

    /// Waits until `until_s` or the next event; returns the time.
    async fn wait(&mut self, until_s: f64) -> f64 {
        let at_s = until_s.min(self.seek_at_s());
        let aside = self.next_aside(until_s).await;
        let timed = matches!(aside, Aside::Tick | Aside::Seek);
        self.aside(aside);
        let now_s = self.clock.now_s();
        if timed { now_s.max(at_s) } else { now_s }
    }

    fn seek_at_s(&self) -> f64 {
        self.seeks.front().map_or(f64::INFINITY, |jump| jump.at_s)
    }

    /// The next event, at `until_s` at the latest.
    async fn next_aside(&mut self, until_s: f64) -> Aside {
        let (clock, seek_at_s) = (self.clock, self.seek_at_s());
        let (controls, generator) = (self.controls, &mut self.generator);
        let control = async {
            match controls {
                Some(controls) => controls.next().await,
                None => std::future::pending().await,
            }
        };
        let rendered = async {
            match generator {
                Some(generator) => generator.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = clock.until(until_s.min(seek_at_s)) => match seek_at_s < until_s {
                true => Aside::Seek,
                false => Aside::Tick,
            },
            input = control => Aside::Control(input),
            progress = rendered => Aside::Rendered(progress),
        }
    }

    fn aside(&mut self, aside: Aside) {
        match aside {
            Aside::Tick => {}
            Aside::Seek => {
                if let Some(jump) = self.seeks.pop_front() {
                    self.player.hand_on_shown(!self.seeks.is_empty());
                    self.tell(Input::Seek(jump.to_s));
                }
            }
            Aside::Control(input) => {
                if let (Input::Seek(_), Some(controls)) = (&input, self.controls) {
                    controls.perform();
                }
                self.tell(input);
            }
            // A seek makes earlier segments obsolete.
            Aside::Rendered(Some((seeks, progress))) => {
                if self.controls.map_or(0, Controls::performed) == seeks {
                    self.tell(Input::Event(Event::Rendered(progress)));
                }
            }
            Aside::Rendered(None) => self.closed = true,
        }
    }

    /// Sends `request` and reports on it to its end; whether the throttle lets nothing through.
    async fn transfer(&mut self, request: &Request) -> bool {
        let (id, media) = (request.id, is_media(request));
        let manifest = &self.stream.source.url;
        let (url, answered) = match resolve(manifest, &request.resource.url) {
            Ok(url) if media => (url.clone(), self.media(request, &url).await),
            Ok(url) => (url.clone(), self.part(request, &url).await),
            Err(error) => (manifest.clone(), Err(error)),
        };
        match answered {
            Ok(None) => false,
            Ok(Some((bytes, wire_bytes))) => {
                self.error.take_if(|_| media);
                let input = Input::Delivered {
                    id,
                    bytes,
                    wire_bytes,
                };
                if let Err(error) = self.player.input(self.clock.now_s(), input) {
                    self.error = Some(named(&url, error));
                }
                false
            }
            Err(error) => {
                tracing::warn!(?request.resource, request.attempt, %error, "a request failed");
                let starved = error.is_starved();
                let patience = self.client.patience();
                let pause = patience.pause_after(url.as_str(), request.attempt, &error);
                let again_s = pause.map(|pause| pause.as_secs_f64());
                self.error = Some(error);
                self.tell(Input::Failed { id, again_s });
                starved
            }
        }
    }

    /// Awaits `work` while the player goes on; `None` once request `id` is cancelled.
    async fn beside<T>(&mut self, id: RequestId, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            let until_s = self.clock.now_s() + TICK_S;
            let aside = tokio::select! {
                done = &mut work => return Some(done),
                aside = self.next_aside(until_s) => aside,
            };
            self.aside(aside);
            if self.is_off(id).await {
                return None;
            }
        }
    }

    /// Hands on what is ready; whether request `id` is cancelled.
    async fn is_off(&mut self, id: RequestId) -> bool {
        while !self.closed && self.player.in_flight() == Some(id) {
            match self.player.poll(self.clock.now_s()) {
                Action::Decode(segment) => self.hand_on(segment).await,
                Action::Wait { .. } => return false,
                _ => break,
            }
        }
        true
    }

    async fn part(&mut self, request: &Request, url: &Url) -> Result<Answered, FetchError> {
        let content = &self.stream.source.content;
        let Resource { range, purpose, .. } = request.resource;
        let (client, fetch) = (self.client, Fetch::of(url, range, content, purpose.into()));
        let answer = client.get_once(&fetch);
        let answer = self.beside(request.id, answer).await.transpose()?;
        Ok(answer.map(|answer| (answer.bytes.into(), answer.wire_bytes)))
    }

    async fn media(&mut self, request: &Request, url: &Url) -> Result<Answered, FetchError> {
        let Resource { range, purpose, .. } = request.resource;
        let media = self.cmcd(request, url);
        let content = &self.stream.source.content;
        let (client, media) = (self.client, media.as_ref());
        let fetch = Fetch {
            media,
            ..Fetch::of(url, range, content, Kind::Video)
        };
        let opened = client.open(&fetch);
        let Some(opened) = self.beside(request.id, opened).await.transpose()? else {
            return Ok(None);
        };
        let Opened { turn, mut body, .. } = opened;
        let nominal = match purpose {
            player::Purpose::Media { segment, rung } => {
                self.player.session().ladder().size(segment, rung)
            }
            _ => 0,
        };
        if !self.receive(request.id, turn, &mut body, nominal).await? {
            return Ok(None);
        }
        let bytes = Bytes::from(body.finish()?);
        let wire_bytes = bytes.len() as u64;
        Ok(Some((bytes, wire_bytes)))
    }

    fn cmcd(&mut self, request: &Request, url: &Url) -> Option<Media> {
        let mut media = self.player.media_data(request)?;
        let stalls = self.player.session().log().stalls.len();
        media.starved = stalls > self.stalls_reported;
        self.stalls_reported = stalls;
        if let Some(next) = &request.next {
            let there = resolve(&self.stream.source.url, &next.url).ok();
            let name = there.and_then(|there| match there == *url {
                true => url.path_segments()?.next_back().map(str::to_owned),
                false => url.make_relative(&there),
            });
            media.next = name.map(|name| (name, next.range.map(span)));
        }
        Some(media)
    }

    /// Receives the body, with a `turn` at the rate of the throttle's link; false if cancelled.
    async fn receive(
        &mut self,
        id: RequestId,
        turn: Option<Turn<'_>>,
        body: &mut Body,
        nominal: u64,
    ) -> Result<bool, FetchError> {
        let size = body.expected().unwrap_or(nominal);
        let mut shaped = match turn {
            Some(turn) => Some(turn.begin(size).await),
            None => None,
        };
        self.tell(Input::FirstByte(id));
        loop {
            let next = async {
                let Some(shaped) = &mut shaped else {
                    let pull = body.pull_for(Duration::from_secs_f64(TICK_S)).await?;
                    return Ok((pull != Pull::End).then(|| body.received()));
                };
                shaped.next(body).await
            };
            let Some(bytes) = self.beside(id, next).await.transpose()? else {
                return Ok(false);
            };
            let Some(bytes) = bytes else {
                return Ok(true);
            };
            if shaped.is_some() && bytes >= size {
                while body.pull().await? {}
                return Ok(true);
            }
            let here = body.so_far();
            let so_far = here.get(..bytes as usize).unwrap_or(here);
            self.tell(Input::Progress { id, so_far });
            if self.is_off(id).await {
                return Ok(false);
            }
        }
    }
}

fn is_media(request: &Request) -> bool {
    matches!(request.resource.purpose, player::Purpose::Media { .. })
}
