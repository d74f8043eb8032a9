//! The whole player without I/O and without a clock: a [`Session`] that decides, the [`Index`] of segment
//! places, and the bytes not handed on yet.
//!
//! A driver asks [`Player::poll`] for the next [`Action`] and reports every [`Input`], both with the time in
//! seconds of a clock that starts at 0. It sends requests and waits; `crate::playback` does so over HTTP in
//! real time.

mod action;
mod flight;
mod held;
mod requests;

pub use action::{Action, Ending, Input, Request, RequestId, Segment};

use super::abr::Abr;
use super::cmcd::{Media, Playback};
use super::event::{Command, Event, State};
use super::index::{Index, IndexError, Purpose, Resource};
use super::session::Session;
use crate::segment::media::read_partial;
use crate::time::MediaTime;
use bytes::Bytes;
use flight::{Effort, Flight};
use held::Held;

/// Interval of polls while segments wait to be settled or shown, seconds.
const TICK_S: f64 = 0.25;

/// One playback of one track. See the module's description.
#[derive(Debug)]
pub struct Player {
    session: Session,
    index: Index,
    held: Held,
    command: Command,
    flight: Option<Flight>,
    effort: Effort,
    cancelled: Option<RequestId>,
    next_id: u64,
    shown_only: bool,
    /// Whether rungs other than the one in use may be wanted.
    spare: bool,
    /// Rungs whose index could not be had ahead of time: it is fetched only when they are wanted.
    late: Vec<usize>,
}

impl Player {
    /// A player of `index` with a `session` over its ladder; with `one_rung` no other index is fetched ahead.
    pub fn new(session: Session, index: Index, one_rung: bool) -> Self {
        Self {
            effort: Effort::new(&index),
            session,
            index,
            held: Held::default(),
            command: Command::Wait { until_s: 0.0 },
            flight: None,
            cancelled: None,
            next_id: 0,
            shown_only: false,
            spare: !one_rung,
            late: Vec::new(),
        }
    }

    /// The session, to look at.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The session, when the player is no longer needed.
    pub fn into_session(self) -> Session {
        self.session
    }

    /// With `shown_only` a segment is handed on only when it begins to play, because the viewer may jump;
    /// without, as soon as it will change no more. Not for a renderer that must work ahead.
    pub fn hand_on_shown(&mut self, shown_only: bool) {
        self.shown_only = shown_only;
    }

    /// The request in flight.
    pub fn in_flight(&self) -> Option<RequestId> {
        self.flight.as_ref().map(|flight| flight.id)
    }

    /// The init segment of a rung, if received.
    pub fn init(&self, rung: usize) -> Option<&Bytes> {
        self.index.init(rung)
    }

    /// The media segment at this time, from the lowest rung whose index is here: for a preview. Seconds.
    pub fn preview(&self, time_s: f64) -> Option<Resource> {
        let ladder = self.session.ladder();
        let segment = self.index.access_point(ladder.segment_at(time_s));
        (0..ladder.rungs().len()).find_map(|rung| self.index.media(segment, rung))
    }

    /// CMCD data of `request`, if it is for a media segment; the driver adds the following object and
    /// whether playback starved.
    pub fn media_data(&self, request: &Request) -> Option<Media> {
        let Purpose::Media { segment, rung } = request.resource.purpose else {
            return None;
        };
        let session = &self.session;
        Some(Media {
            buffer_s: session.buffer_s(),
            throughput_kbps: session.throughput_kbps(),
            playback: match session.state() {
                State::StartUp => Playback::Starting,
                State::Steady if session.is_paused() => Playback::Paused,
                State::Steady => Playback::Playing,
                State::Stalled => Playback::Rebuffering,
                State::Seeking => Playback::Seeking,
                State::Ended => Playback::Ended,
            },
            position_s: session.playhead_s(),
            ..Media::of(session.ladder(), segment, rung)
        })
    }

    /// The next action at `now_s`. During a request: [`Action::Decode`], [`Action::Cancel`] or [`Action::Wait`].
    pub fn poll(&mut self, now_s: f64) -> Action {
        loop {
            if let Some(id) = self.cancelled.take() {
                return Action::Cancel(id);
            }
            if let Some(segment) = self.held.next(&self.session, self.shown_only) {
                return Action::Decode(segment);
            }
            if let Some(flight) = &self.flight {
                if !flight.is_media() {
                    // Time passes while an index part is in flight.
                    self.tell(now_s, Event::Progress(0));
                }
                if self.cancelled.is_none() {
                    return Action::Wait {
                        until_s: f64::INFINITY,
                    };
                }
                continue;
            }
            if let Some(action) = self.obey(now_s) {
                return action;
            }
        }
    }

    /// One step of what the session wants; `None` if there is more to do.
    fn obey(&mut self, now_s: f64) -> Option<Action> {
        match self.command {
            Command::Fetch { segment, rung } | Command::Abandon { segment, rung } => {
                self.send(now_s, segment, rung)
            }
            Command::Wait { until_s } => {
                self.command = self.session.handle(now_s, Event::Timer);
                if self.command != (Command::Wait { until_s }) {
                    return None;
                }
                let ahead = self.lacks_ahead().map(|part| self.launch(part, true));
                let restless = self.shown_only || !self.held.waiting.is_empty();
                let nap_s = if restless { now_s + TICK_S } else { until_s };
                Some(ahead.unwrap_or(Action::Wait {
                    until_s: until_s.min(nap_s),
                }))
            }
            Command::Drain { until_s } => {
                self.command = self.session.handle(now_s, Event::Timer);
                if self.command != (Command::Drain { until_s }) {
                    return None;
                }
                Some(self.rest().unwrap_or(Action::Drain { until_s }))
            }
            Command::GiveUp { segment } => Some(Action::End(Ending::Missing { segment })),
            Command::Done | Command::Continue => {
                Some(self.rest().unwrap_or(Action::End(Ending::Finished)))
            }
        }
    }

    fn rest(&mut self) -> Option<Action> {
        let last = !self.shown_only;
        let (_, segment) = last.then(|| self.held.waiting.pop_first())??;
        Some(Action::Decode(segment))
    }

    /// Handles an input at `now_s`. An input on a request that is not in flight changes nothing but the time.
    /// Fails where the answer to an index request is invalid; the player goes on without it.
    pub fn input(&mut self, now_s: f64, input: Input<'_>) -> Result<(), IndexError> {
        match input {
            Input::Start => self.command = self.session.handle(now_s, Event::Start),
            Input::FirstByte(id) => self.on_media(now_s, id, Event::FirstByte, &[]),
            Input::Progress { id, so_far } => self.progress(now_s, id, so_far),
            Input::Delivered {
                id,
                bytes,
                wire_bytes,
            } => return self.delivered(now_s, id, bytes, wire_bytes),
            Input::Failed { id, again_s } => self.failed(now_s, id, again_s),
            Input::Event(event) if event.moves_playhead() => self.tell(now_s, event),
            Input::Event(_) => {}
            Input::Seek(to_s) => self.seek(now_s, to_s),
            Input::Rule(abr) => {
                self.session.set_rule(abr);
                self.spare = !matches!(abr, Abr::Fixed(_));
            }
        }
        Ok(())
    }

    fn seek(&mut self, now_s: f64, to_s: f64) {
        self.held.waiting.clear();
        self.drop_flight();
        self.effort = Effort::new(&self.index);
        self.command = self.session.handle(now_s, Event::Seek(to_s));
    }

    /// Passes an event to the session and takes its command.
    fn tell(&mut self, now_s: f64, event: Event) {
        let command = self.session.handle(now_s, event);
        self.take(command, &[]);
    }

    /// Takes the session's command; `so_far` are the bytes received of the media segment in flight.
    fn take(&mut self, command: Command, so_far: &[u8]) {
        if let Some(arrived) = self.session.take_arrived() {
            let bytes = Bytes::copy_from_slice(so_far);
            self.held.put(arrived, bytes, &self.index);
        }
        if command == Command::Continue {
            return;
        }
        let over = matches!(command, Command::Done | Command::GiveUp { .. });
        let media = self.flight.as_ref().is_some_and(Flight::is_media);
        if media || over {
            self.drop_flight();
            self.effort = Effort::new(&self.index);
        }
        self.effort.lacked |= self.flight.is_some();
        self.command = command;
    }

    fn drop_flight(&mut self) {
        self.cancelled = self.flight.take().map(|flight| flight.id);
    }

    fn progress(&mut self, now_s: f64, id: RequestId, so_far: &[u8]) {
        if let Some(seconds) = self.playable_s(so_far) {
            self.on_media(now_s, id, Event::Playable(seconds), so_far);
        }
        let bytes = so_far.len() as u64;
        self.on_media(now_s, id, Event::Progress(bytes), so_far);
    }

    fn on_media(&mut self, now_s: f64, id: RequestId, event: Event, so_far: &[u8]) {
        let flight = self.flight.as_ref();
        if flight.is_some_and(|flight| flight.is_media() && flight.id == id) {
            let command = self.session.handle(now_s, event);
            self.take(command, so_far);
        }
    }

    /// Media decodable from a segment's first bytes, seconds, if known. A single frame is not worth a switch.
    fn playable_s(&self, first: &[u8]) -> Option<f64> {
        let part = read_partial(first).ok()?;
        let many = part.samples.iter().filter(|_| part.samples.len() > 1);
        let ticks = many.map(|sample| u64::from(sample.duration)).sum();
        let timescale = self.index.frame_rate().timescale();
        Some(MediaTime::new(ticks, timescale).seconds())
    }

    fn delivered(
        &mut self,
        now_s: f64,
        id: RequestId,
        bytes: Bytes,
        wire_bytes: u64,
    ) -> Result<(), IndexError> {
        let Some(flight) = self.flight.take_if(|flight| flight.id == id) else {
            return Ok(());
        };
        if !flight.is_media() {
            let learnt = self.learn(now_s, flight.purpose, bytes, wire_bytes);
            if learnt.is_err() {
                self.without(now_s, &flight, None);
            }
            return learnt;
        }
        self.effort = Effort::new(&self.index);
        let whole = Event::Delivered(bytes.len() as u64);
        self.command = self.session.handle(now_s, whole);
        if let Some(arrived) = self.session.take_arrived() {
            self.held.put(arrived, bytes, &self.index);
        }
        Ok(())
    }
}
