//! The session: a state machine that turns events with a time into commands.
//!
//! ```text
//! start-up ──segment──▶ steady ──dry──▶ stalled ──segment──▶ steady ──last frame──▶ ended
//!                          └──seek──▶ seeking ──segment──▶ steady
//! ```
//!
//! One transfer at a time. A driver calls [`Session::handle`] with what happened and when, and follows
//! the [`Command`]. Between events media plays at the playback rate, as soon as it is generated (see
//! [`crate::player::compute`]), unless playback is paused or the playhead is reported from outside
//! ([`Event::Playhead`]). Time never runs backward: an event dated before the last one counts as
//! simultaneous with it. An event that does not fit the last command changes nothing but the time.
//!
//! | module | what it is for |
//! |---|---|
//! | `options` | its options |
//! | `own_rule` | rules written outside the crate |
//! | `activity` | what it waits for between two events |
//! | `decide` | which segment from which rung, and when |
//! | `transfer` | a transfer from its request to its end |
//! | `arrival` | media added to the buffer, and buffered segments that may still change |
//! | `playhead` | position, rate, pause |
//! | `playback` | play, stalls and their causes, seeks |
//! | `learn` | a ladder that becomes known while it plays |

mod activity;
mod arrival;
mod decide;
mod learn;
mod options;
mod own_rule;
mod playback;
mod playhead;
mod transfer;

pub use options::{Guards, Options};
pub use own_rule::OwnRule;

use super::abr::layers::Layers;
use super::abr::{Abr, Rule};
use super::buffer::Buffer;
use super::compute::Device;
use super::event::{Arrived, Command, Event, State};
use super::guards::SwitchHistory;
use super::ladder::Ladder;
use super::log::Log;
use super::throughput::Throughput;
use activity::Activity;
use playhead::Playhead;
use std::sync::Arc;

/// One playback of one title. See the module's description.
#[derive(Debug)]
pub struct Session {
    ladder: Arc<Ladder>,
    rule: Box<dyn Rule>,
    layers: Option<Layers>,
    guards: Guards,
    /// Those of the options, for rules other than `fixed`.
    usual_guards: Guards,
    seed: u64,
    buffer_target_s: f64,
    buffer: Buffer,
    throughput: Throughput,
    switches: SwitchHistory,
    device: Option<Device>,
    state: State,
    activity: Activity,
    playhead: Playhead,
    clock_s: f64,
    /// The segment to fetch now.
    next: usize,
    /// Media time of the start or the last seek target, seconds.
    enter_s: f64,
    last_rung: Option<usize>,
    /// Segments delivered since the start or the last seek.
    since_start: usize,
    /// Media of the current segment kept from abandoned transfers, seconds from its start.
    kept_s: f64,
    /// Rungs that failed for the current segment.
    failed: Vec<usize>,
    /// Buffered segments that may not change: an upgrade failed, or they are in several parts.
    barred: Vec<usize>,
    arrived: Option<Arrived>,
    log: Log,
}

impl Session {
    /// A session over `ladder` with the rule of `options`; the rule `fixed` has no guards.
    pub fn new(ladder: Arc<Ladder>, options: &Options) -> Self {
        let guards = guards_of(options.abr, options.guards);
        let target_s = buffer_target_s(&ladder, options);
        let rule = options.abr.build(&ladder, target_s, options.seed);
        let session = Self::with_rule(ladder, &Options { guards, ..*options }, rule);
        Self {
            usual_guards: options.guards,
            ..session
        }
    }

    /// Replaces the rule, from the next decision on; what is in the buffer stays. A ladder in layers keeps
    /// the rule of layers.
    pub fn set_rule(&mut self, abr: Abr) {
        self.guards = guards_of(abr, self.usual_guards);
        self.rule = abr.build(&self.ladder, self.buffer_target_s, self.seed);
    }

    /// As [`Session::new`], with a rule of the caller's; a ladder in layers always has the rule of layers.
    ///
    /// The rule sees media time: at a playback rate of 2 a throughput of 100 kbit/s is 50 kbit for each
    /// second of media, and reported as 50; durations on the clock are doubled.
    ///
    /// ```
    /// use promptus::player::abr::{Choice, Rule, View};
    /// use promptus::player::ladder::{Ladder, Rung};
    /// use promptus::player::session::{Options, Session};
    /// use std::sync::Arc;
    ///
    /// /// The top rung once ten seconds are in the buffer.
    /// #[derive(Debug)]
    /// struct Cautious;
    ///
    /// impl Rule for Cautious {
    ///     fn choose(&mut self, view: &View<'_>) -> Choice {
    ///         let rung = if view.buffer_s < 10.0 { 0 } else { view.ladder.top() };
    ///         Choice { rung, wait_s: 0.0, by: "cautious" }
    ///     }
    /// }
    ///
    /// let rung = Rung { id: "r8".into(), rank: 8, kbps: 20.0 };
    /// let ladder = Arc::new(Ladder::new(vec![rung], &[2.0; 3], vec![5_000; 3])?);
    /// let session = Session::with_rule(ladder, &Options::default(), Box::new(Cautious));
    /// assert_eq!(session.buffer_s(), 0.0);
    /// # Ok::<(), promptus::player::ladder::LadderError>(())
    /// ```
    pub fn with_rule(ladder: Arc<Ladder>, options: &Options, rule: Box<dyn Rule>) -> Self {
        let buffer_target_s = buffer_target_s(&ladder, options);
        let enter_s = options.start_s.clamp(0.0, ladder.total_s());
        let (next, rungs) = (ladder.segment_at(enter_s), ladder.rungs().len());
        let device = |compute| Device::new(compute, rungs, options.seed);
        Self {
            rule,
            layers: Layers::of(&ladder, buffer_target_s),
            guards: options.guards,
            usual_guards: options.guards,
            seed: options.seed,
            buffer_target_s,
            buffer: Buffer::default(),
            throughput: Throughput::new(options.estimator, ladder.mean_duration_s()),
            switches: SwitchHistory::default(),
            device: options.compute.map(device),
            state: State::StartUp,
            activity: Activity::Nothing,
            playhead: Playhead::new(enter_s),
            clock_s: 0.0,
            next,
            enter_s,
            last_rung: None,
            since_start: 0,
            kept_s: 0.0,
            failed: Vec::new(),
            barred: Vec::new(),
            arrived: None,
            log: Log {
                played_s: vec![0.0; rungs],
                ..Log::default()
            },
            ladder,
        }
    }

    /// The log so far.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The log, when the session is no longer needed.
    pub fn into_log(self) -> Log {
        self.log
    }

    /// Where playback stands, as of the last event.
    pub fn state(&self) -> State {
        self.state
    }

    /// Media in the buffer as of the last event, seconds; never negative.
    pub fn buffer_s(&self) -> f64 {
        self.buffer.level_s()
    }

    /// Media time of the next frame to show, as of the last event, seconds.
    pub fn playhead_s(&self) -> f64 {
        self.playhead.position_s
    }

    /// The playback rate, media seconds a second.
    pub fn rate(&self) -> f64 {
        self.playhead.rate
    }

    /// Whether the viewer halted playback.
    pub fn is_paused(&self) -> bool {
        self.playhead.paused
    }

    /// The time of the last event, seconds; never falls.
    pub fn clock_s(&self) -> f64 {
        self.clock_s
    }

    /// The throughput estimate as of the last transfer, kbit/s.
    pub fn throughput_kbps(&self) -> Option<f64> {
        self.throughput.kbps()
    }

    /// The media that the transfer ended by the last event added to the buffer, if any; once.
    pub fn take_arrived(&mut self) -> Option<Arrived> {
        self.arrived.take()
    }

    /// The ladder that is played.
    pub fn ladder(&self) -> &Arc<Ladder> {
        &self.ladder
    }

    /// Handles an event at `now_s` (seconds of the session clock) and returns what to do next.
    pub fn handle(&mut self, now_s: f64, event: Event) -> Command {
        self.advance(now_s);
        if let Event::Seek(to_s) = event {
            return self.seek(to_s);
        }
        if self.state != State::Ended {
            self.move_playhead(event);
        }
        if self.state == State::Ended {
            return Command::Done;
        }
        match self.activity {
            Activity::Nothing if event == Event::Start => self.next_segment(),
            Activity::Nothing => Command::Wait {
                until_s: self.clock_s,
            },
            Activity::Room { since_s, until_s } => self.full(since_s, until_s, event),
            Activity::Held { request, until_s } => match event {
                Event::Timer if self.clock_s >= until_s => self.request(request),
                _ => Command::Wait { until_s },
            },
            Activity::Transfer(transfer) => self.transferring(transfer, event),
            Activity::Drain { until_s } => match event {
                Event::Timer if self.clock_s >= until_s => self.drained(until_s),
                _ if event.moves_playhead() => self.drain(),
                _ => Command::Drain { until_s },
            },
        }
    }
}

/// `usual`, but none over the rule `fixed`.
fn guards_of(abr: Abr, usual: Guards) -> Guards {
    match abr {
        Abr::Fixed(_) => Guards::NONE,
        _ => usual,
    }
}

/// At least two segments, for one must be able to arrive while another plays.
fn buffer_target_s(ladder: &Ladder, options: &Options) -> f64 {
    options.buffer_s.max(2.0 * ladder.mean_duration_s())
}
