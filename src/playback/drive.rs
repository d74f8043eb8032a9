//! Turns a player over real connections: its actions into transfers, what happens to those into inputs.
//!
//! One task, one transfer at a time. All decisions are the player core's; here are sockets, the clock, the
//! planned seeks, and how long to wait before a request that failed is worth another attempt.

use super::body::{Body, Pull};
use super::clock::Clock;
use super::cmcd::{Kind, Media, is_urgent};
use super::error::FetchError;
use super::http::{Client, Opened, Purpose};
use super::indexes::{kind, named};
use super::limits::span;
use super::resolve::resolve;
use super::stream::Stream;
use super::throttle::Turn;
use crate::player::abr::Abr;
use crate::player::client::{Action, Ending, Input, Player, Request, RequestId, Segment};
use crate::player::event::{Event, Rendered};
use crate::player::index::{self as player, Resource};
use crate::player::ladder::Ladder;
use crate::player::log::Log;
use crate::player::session::{Options, Session};
use bytes::Bytes;
use reqwest::Url;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{Sender, UnboundedReceiver};

/// While nothing arrives, the player is asked this often whether to go on.
const TICK: Duration = Duration::from_millis(250);

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
/// ([`Compute::measured`](crate::player::compute::Compute::measured)).
pub(super) async fn play_beside(
    client: &Client,
    stream: &Stream,
    setup: &Setup,
    sink: &Sender<Segment>,
    generator: Option<UnboundedReceiver<Rendered>>,
) -> Played {
    let session = Session::new(stream.ladder().clone(), &setup.options);
    let one_rung = !stream.ladder().is_layered() && matches!(setup.options.abr, Abr::Fixed(_));
    let mut driver = Driver {
        client,
        stream,
        sink,
        player: Player::new(session, stream.index().clone(), one_rung),
        clock: Clock::start(),
        seeks: setup.seeks.iter().copied().collect(),
        generator,
        stalls_told: 0,
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
    sink: &'a Sender<Segment>,
    player: Player,
    clock: Clock,
    /// Seeks to come.
    seeks: VecDeque<Jump>,
    /// Where the generator reports its progress.
    generator: Option<UnboundedReceiver<Rendered>>,
    /// Stalls that the server knows of.
    stalls_told: usize,
    /// The receiver of the segments, or the generator, went away.
    closed: bool,
    /// The last failure.
    error: Option<FetchError>,
}

/// Something that happens beside a transfer.
#[derive(Clone, Copy)]
enum Aside {
    Tick,
    Seek,
    News(Option<Rendered>),
}

/// The bytes of a request that was answered.
struct Answered {
    bytes: Bytes,
    wire_bytes: u64,
    at_s: f64,
}

impl Driver<'_> {
    /// Does what the player says, to the end; whether everything was delivered.
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
            self.error = Some(named(&self.stream.source().url, error));
        }
    }

    async fn hand_on(&mut self, segment: Segment) {
        self.closed |= self.sink.send(segment).await.is_err();
    }

    /// Waits for what may still happen before the end at `until_s`; if nothing can, it is the end already.
    async fn drain(&mut self, until_s: f64) -> f64 {
        let open = self.seek_at_s() < until_s || self.player.session().is_generating();
        if open || until_s.is_infinite() {
            return self.wait(until_s).await;
        }
        self.seeks.clear();
        self.player.hand_on_shown(false);
        until_s
    }

    /// Sleeps until `until_s`, the next seek or news; returns the time.
    async fn wait(&mut self, until_s: f64) -> f64 {
        let at_s = until_s.min(self.seek_at_s());
        let clock = self.clock;
        tokio::select! {
            () = clock.until(at_s) => {
                if at_s < until_s {
                    self.aside(Aside::Seek);
                }
                self.clock.now_s().max(at_s)
            }
            news = news(&mut self.generator) => {
                self.aside(Aside::News(news));
                self.clock.now_s()
            }
        }
    }

    /// When the next seek is due; never, if there is none.
    fn seek_at_s(&self) -> f64 {
        self.seeks.front().map_or(f64::INFINITY, |jump| jump.at_s)
    }

    /// Tells the player what happened beside a transfer.
    fn aside(&mut self, aside: Aside) {
        match aside {
            Aside::Tick => {}
            Aside::Seek => {
                if let Some(jump) = self.seeks.pop_front() {
                    self.player.hand_on_shown(!self.seeks.is_empty());
                    self.tell(Input::Seek(jump.to_s));
                }
            }
            Aside::News(Some(news)) => self.tell(Input::Event(Event::Rendered(news))),
            Aside::News(None) => self.closed = true,
        }
    }

    /// Sends `request` and reports on it to its end; whether the throttle lets nothing through.
    async fn transfer(&mut self, request: &Request) -> bool {
        let id = request.id;
        let answered = match resolve(&self.stream.source().url, &request.resource.url) {
            Ok(url) if is_media(request) => self.media(request, &url).await,
            Ok(url) => self.part(request, &url).await,
            Err(error) => Err(error),
        };
        match answered {
            Ok(None) => false,
            Ok(Some(answered)) => {
                self.delivered(request, answered);
                false
            }
            Err(error) => {
                tracing::warn!(?request.resource, request.attempt, %error, "a request failed");
                let starved = matches!(error, FetchError::Starved { .. });
                let again_s = self.pause_s(request, &error);
                self.error = Some(error);
                self.tell(Input::Failed { id, again_s });
                starved
            }
        }
    }

    fn delivered(&mut self, request: &Request, answered: Answered) {
        if is_media(request) {
            self.error = None;
        }
        let input = Input::Delivered {
            id: request.id,
            bytes: answered.bytes,
            wire_bytes: answered.wire_bytes,
        };
        if let Err(error) = self.player.input(answered.at_s, input) {
            let manifest = &self.stream.source().url;
            let url = resolve(manifest, &request.resource.url);
            self.error = Some(named(url.as_ref().unwrap_or(manifest), error));
        }
    }

    /// The pause after which `request` is worth another attempt, seconds.
    fn pause_s(&self, request: &Request, error: &FetchError) -> Option<f64> {
        let url = resolve(&self.stream.source().url, &request.resource.url).ok()?;
        let patience = self.client.patience();
        let pause = patience.pause_after(url.as_str(), request.attempt, error)?;
        Some(pause.as_secs_f64())
    }

    /// Waits for `work` while the player goes on; `None` when `id` is wanted no more.
    async fn beside<T>(&mut self, id: RequestId, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            let (clock, seek_at_s) = (self.clock, self.seek_at_s());
            let aside = tokio::select! {
                done = &mut work => return Some(done),
                () = clock.until(seek_at_s) => Aside::Seek,
                news = news(&mut self.generator) => Aside::News(news),
                () = tokio::time::sleep(TICK) => Aside::Tick,
            };
            self.aside(aside);
            if self.is_off(id).await {
                return None;
            }
        }
    }

    /// Hands on what is ready; whether `id` is wanted no more.
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

    /// An index part or an init segment; `None` when it is wanted no more.
    async fn part(&mut self, request: &Request, url: &Url) -> Result<Option<Answered>, FetchError> {
        let content = &self.stream.source().content;
        let told = Purpose::of(content, kind(request.resource.purpose));
        let (client, range) = (self.client, request.resource.range);
        let answer = client.get_once(url, range, &told);
        let Some(answer) = self.beside(request.id, answer).await else {
            return Ok(None);
        };
        let answer = answer?;
        Ok(Some(Answered {
            bytes: answer.bytes.into(),
            wire_bytes: answer.wire_bytes,
            at_s: self.clock.now_s(),
        }))
    }

    /// A media segment; `None` when it is wanted no more.
    async fn media(
        &mut self,
        request: &Request,
        url: &Url,
    ) -> Result<Option<Answered>, FetchError> {
        let Resource { range, purpose, .. } = request.resource;
        let media = self.told(request, url);
        let told = Purpose {
            content: &self.stream.source().content,
            kind: Kind::Video,
            media: media.as_ref(),
        };
        let client = self.client;
        let opened = client.open(url, range, &told);
        let Some(opened) = self.beside(request.id, opened).await else {
            return Ok(None);
        };
        let Opened { turn, mut body, .. } = opened?;
        let here = match (turn, purpose) {
            (Some(turn), player::Purpose::Media { segment, rung }) => {
                let nominal = self.player.session().ladder().size(segment, rung);
                self.shaped(request.id, turn, &mut body, nominal).await?
            }
            _ => self.unshaped(request.id, &mut body).await?,
        };
        if !here {
            return Ok(None);
        }
        let at_s = self.clock.now_s();
        let bytes = Bytes::from(body.finish()?);
        Ok(Some(Answered {
            wire_bytes: bytes.len() as u64,
            bytes,
            at_s,
        }))
    }

    /// What the server is told about the request for a segment.
    fn told(&mut self, request: &Request, url: &Url) -> Option<Media> {
        let player::Purpose::Media { segment, rung } = request.resource.purpose else {
            return None;
        };
        let session = self.player.session();
        let stalls = session.log().stalls.len();
        let mut media = Media {
            buffer_s: session.buffer_s(),
            throughput_kbps: session.throughput_kbps(),
            urgent: is_urgent(session.state()),
            starved: stalls > self.stalls_told,
            ..Media::of(session.ladder(), segment, rung)
        };
        self.stalls_told = stalls;
        if let Some(next) = &request.next {
            media.next_range = next.range.map(span);
            let there = resolve(&self.stream.source().url, &next.url).ok();
            let there = there.filter(|there| there != url);
            media.next = there.and_then(|there| url.make_relative(&there));
        }
        Some(media)
    }

    /// Receives the body as fast as it comes; false when it is wanted no more.
    async fn unshaped(&mut self, id: RequestId, body: &mut Body) -> Result<bool, FetchError> {
        self.tell(Input::FirstByte(id));
        loop {
            // Also while nothing moves, the player may have a better idea.
            let Some(pull) = self.beside(id, body.pull_for(TICK)).await else {
                return Ok(false);
            };
            if pull? == Pull::End {
                return Ok(true);
            }
            let so_far = body.so_far();
            self.tell(Input::Progress { id, so_far });
            if self.is_off(id).await {
                return Ok(false);
            }
        }
    }

    /// Receives the body as the link lets it whose `turn` this is.
    async fn shaped(
        &mut self,
        id: RequestId,
        turn: Turn<'_>,
        body: &mut Body,
        nominal: u64,
    ) -> Result<bool, FetchError> {
        let size = body.expected().unwrap_or(nominal);
        let mut shaped = turn.begin(size).await;
        self.tell(Input::FirstByte(id));
        loop {
            let Some(bytes) = self.beside(id, shaped.next(body)).await else {
                return Ok(false);
            };
            let Some(bytes) = bytes? else {
                return Ok(true);
            };
            if bytes >= size {
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

/// The generator's next news, or `None` once it is gone; without a generator there never are any.
async fn news(generator: &mut Option<UnboundedReceiver<Rendered>>) -> Option<Rendered> {
    match generator {
        Some(generator) => generator.recv().await,
        None => std::future::pending().await,
    }
}
