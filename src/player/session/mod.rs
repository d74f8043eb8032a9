//! The session: a state machine that turns events with a time into commands.
//!
//! ```text
//! start-up ──segment──▶ steady ──dry──▶ stalled ──segment──▶ steady ──last frame──▶ ended
//!                          └──seek──▶ seeking ──segment──▶ steady
//! ```
//!
//! One transfer at a time. A driver calls [`Session::handle`] with what happened and when, and does
//! what the [`Command`] says; between events the session assumes that media plays in real time, as
//! soon as it is generated (see [`crate::player::pipeline`]). Time never runs backward: an event
//! dated before the last one counts as simultaneous with it. An event that does not fit what the
//! driver was told to do changes nothing but the time.

mod learn;
mod options;
mod playback;
mod transfer;
mod upgrade;

pub use options::{Guards, Options};
pub(crate) use upgrade::{LEAD_S, Open};

use super::abr::layers::{Action, Layers};
use super::abr::{Abr, Delivery, Rule, View};
use super::buffer::{Buffer, Piece, TICK_S};
use super::event::{Command, Event, State};
use super::guards::{self, Progress, SwitchHistory};
use super::ladder::Ladder;
use super::log::{Log, Outcome, Request, Seek};
use super::pipeline::{Arrival, Pipeline};
use super::throughput::Throughput;
use std::sync::Arc;
use transfer::{Activity, Plan, Transfer};

/// A buffer that is over its target by less is not full, seconds.
const ROUNDING_S: f64 = 1e-6;

/// One playback of one title. See the module's description.
#[derive(Debug)]
pub struct Session {
    ladder: Arc<Ladder>,
    rule: Box<dyn Rule>,
    layers: Option<Layers>,
    guards: Guards,
    buffer_target_s: f64,
    buffer: Buffer,
    throughput: Throughput,
    switches: SwitchHistory,
    pipeline: Option<Pipeline>,
    state: State,
    activity: Activity,
    clock_s: f64,
    /// The segment to fetch now.
    next: usize,
    /// Media time of the first frame that the viewer asked for, seconds.
    enter_s: f64,
    last_rung: Option<usize>,
    /// Segments delivered since the start or the last seek.
    since_start: usize,
    /// What is here of the segment at hand from abandoned transfers, seconds from its start.
    kept_s: f64,
    /// Rungs that failed for the segment at hand.
    failed: Vec<usize>,
    /// Buffered segments whose upgrade failed.
    barred: Vec<usize>,
    log: Log,
}

impl Session {
    /// A session over `ladder` that has not begun.
    pub fn new(ladder: Arc<Ladder>, options: &Options) -> Self {
        let buffer_target_s = options.buffer_s.max(2.0 * ladder.mean_duration_s());
        let rule = options.abr.build(&ladder, buffer_target_s, options.seed);
        let mut session = Self::with_rule(ladder, options, rule);
        if matches!(options.abr, Abr::Fixed(_)) {
            session.guards = Guards::NONE;
        }
        session
    }

    /// A session over `ladder` in which `rule` chooses the rungs, whatever `options.abr` says. Titles
    /// in layers have a rule of their own.
    pub fn with_rule(ladder: Arc<Ladder>, options: &Options, rule: Box<dyn Rule>) -> Self {
        let buffer_target_s = options.buffer_s.max(2.0 * ladder.mean_duration_s());
        let enter_s = options.start_s.clamp(0.0, ladder.total_s());
        let (next, rungs) = (ladder.segment_at(enter_s), ladder.rungs().len());
        let pipeline = options.compute;
        Self {
            rule,
            layers: Layers::of(&ladder, buffer_target_s),
            guards: options.guards,
            buffer_target_s,
            buffer: Buffer::default(),
            throughput: Throughput::new(options.estimator, ladder.mean_duration_s()),
            switches: SwitchHistory::default(),
            pipeline: pipeline.map(|compute| Pipeline::new(compute, rungs, options.seed)),
            state: State::StartUp,
            activity: Activity::Nothing,
            clock_s: 0.0,
            next,
            enter_s,
            last_rung: None,
            since_start: 0,
            kept_s: 0.0,
            failed: Vec::new(),
            barred: Vec::new(),
            log: Log::with_capacity(ladder.segments() - next, rungs),
            ladder,
        }
    }

    /// What was decided so far.
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

    /// The time of the last event, seconds; never falls.
    pub fn clock_s(&self) -> f64 {
        self.clock_s
    }

    /// The throughput estimate as of the last transfer, kbit/s.
    pub fn throughput_kbps(&self) -> Option<f64> {
        self.throughput.kbps()
    }

    /// What abandoned transfers left of the segment at hand, seconds from its start.
    pub fn kept_s(&self) -> f64 {
        self.kept_s
    }

    /// From when on a report of progress may end the transfer under way, seconds; `None` when none may.
    pub fn heeds_progress_s(&self) -> Option<f64> {
        let Activity::Transfer(transfer) = &self.activity else {
            return None;
        };
        if transfer.segment != self.next {
            return Some(transfer.since_s);
        }
        let may_end = self.guards.abandonment && transfer.rung > 0;
        let grace_s = transfer.since_s + guards::ABANDON_GRACE_S;
        let calm_s = guards::calm_s(&self.ladder, &self.progress_of(transfer));
        may_end.then_some(grace_s.max(self.clock_s + calm_s))
    }

    /// The ladder that is played.
    pub fn ladder(&self) -> &Arc<Ladder> {
        &self.ladder
    }

    /// Takes in what happened at `now_s` (seconds of the session clock) and says what to do next.
    pub fn handle(&mut self, now_s: f64, event: Event) -> Command {
        self.advance(now_s);
        if let Event::Seek(to_s) = event {
            return self.seek(to_s);
        }
        if self.state == State::Ended {
            return Command::Done;
        }
        if let Event::Rendered(news) = event {
            self.rendered(&news);
        }
        match self.activity {
            Activity::Nothing => self.begin(event),
            Activity::Room { since_s, until_s } => self.full(since_s, until_s, event),
            Activity::Held { plan, until_s } => match event {
                Event::Timer if self.clock_s >= until_s => self.request(plan),
                _ => Command::Wait { until_s },
            },
            Activity::Transfer(transfer) => self.transferring(transfer, event),
            Activity::Drain { until_s } => match event {
                Event::Timer if self.clock_s >= until_s => self.drained(until_s),
                Event::Rendered(_) => self.drain(),
                _ => Command::Drain { until_s },
            },
        }
    }

    fn begin(&mut self, event: Event) -> Command {
        match event {
            Event::Start => self.next_segment(),
            _ => Command::Wait {
                until_s: self.clock_s,
            },
        }
    }

    fn transferring(&mut self, transfer: Transfer, event: Event) -> Command {
        match event {
            Event::FirstByte => self.first_byte(transfer),
            Event::Progress(bytes) => self.progress(transfer, bytes),
            Event::Playable(seconds) => self.playable(transfer, seconds),
            Event::Delivered(bytes) => self.delivered(transfer, bytes),
            Event::Retried => self.retried(transfer),
            Event::Failed if transfer.segment != self.next => self.give_up_upgrade(transfer),
            Event::Failed => self.give_up_rung(transfer),
            _ => Command::Continue,
        }
    }

    /// Waits for room in the buffer if there is none, then decides about the next segment.
    fn next_segment(&mut self) -> Command {
        if self.layers.is_some() {
            return self.next_layer(0.0);
        }
        if self.next >= self.ladder.segments() {
            return self.drain();
        }
        match self.excess_s() {
            Some(excess_s) => self.wait_for_room(excess_s),
            None => self.decide(0.0),
        }
    }

    fn drain(&mut self) -> Command {
        let until_s = self.plays_until_s();
        self.activity = Activity::Drain { until_s };
        Command::Drain { until_s }
    }

    /// By how much the next segment would overfill the buffer, if it would.
    fn excess_s(&self) -> Option<f64> {
        let duration = self.ladder.duration_s(self.next);
        let room = self.buffer_target_s.max(2.0 * duration);
        let excess = self.buffer.level_s() + duration - room;
        (excess > TICK_S).then_some(excess)
    }

    /// The buffer has been full since `since_s`, and will have room at `until_s` if all goes as
    /// expected, which a slow generator does not.
    fn full(&mut self, since_s: f64, until_s: f64, event: Event) -> Command {
        let over = event == Event::Timer && self.clock_s >= until_s;
        let news = matches!(event, Event::Rendered(_));
        let still = |excess_s: &f64| {
            let goes_on = self.resumes_s() + excess_s > self.clock_s;
            (over || news) && *excess_s > ROUNDING_S && goes_on
        };
        match self.excess_s().filter(still) {
            Some(excess_s) => self.wait_since(since_s, excess_s),
            _ if over => self.decide(self.clock_s - since_s),
            _ => Command::Wait { until_s },
        }
    }

    fn wait_for_room(&mut self, excess_s: f64) -> Command {
        self.wait_since(self.clock_s, excess_s)
    }

    fn wait_since(&mut self, since_s: f64, excess_s: f64) -> Command {
        let until_s = self.resumes_s() + excess_s;
        self.activity = Activity::Room { since_s, until_s };
        Command::Wait { until_s }
    }

    fn view<'a>(&self, ladder: &'a Ladder) -> View<'a> {
        View {
            ladder,
            segment: self.next,
            since_start: self.since_start,
            buffer_s: self.buffer.level_s(),
            buffer_target_s: self.buffer_target_s,
            throughput_kbps: self.throughput.kbps(),
            latency_s: self.throughput.latency_s(),
            last_rung: self.last_rung,
        }
    }

    /// Asks the rule, then the guards; `full_s` is how long the buffer was full before.
    fn decide(&mut self, full_s: f64) -> Command {
        if self.layers.is_some() {
            return self.next_layer(full_s);
        }
        if full_s > 0.0 {
            self.rule.idled(full_s);
        }
        let ladder = Arc::clone(&self.ladder);
        let view = self.view(&ladder);
        let choice = self.rule.choose(&view);
        let rung = self.guarded(&view, choice.rung);
        if rung != choice.rung {
            self.rule.overruled(&view, rung);
        }
        self.failed.clear();
        let again = if self.guards.replacement {
            self.to_replace(&view, rung)
        } else {
            None
        };
        let plan = Plan {
            segment: again.unwrap_or(self.next),
            rung,
            wanted: choice.rung,
            by: again.map_or(choice.by, |_| "replacement"),
            decided_s: self.clock_s,
            buffer_s: view.buffer_s,
            full_s,
        };
        if again.is_none() && rung == choice.rung && choice.wait_s > TICK_S {
            let until_s = self.clock_s + choice.wait_s.min(view.buffer_s);
            self.activity = Activity::Held { plan, until_s };
            return Command::Wait { until_s };
        }
        self.request(plan)
    }

    /// What the guards leave of the rule's choice.
    fn guarded(&mut self, view: &View<'_>, choice: usize) -> usize {
        let mut rung = choice;
        if self.guards.insufficient_buffer {
            rung = guards::within_buffer(view, rung);
            rung = guards::within_index(view, rung);
        }
        if self.guards.switch_history {
            rung = self.switches.cap(rung);
            self.switches.push(view.last_rung, rung);
        }
        if let (Some(pipeline), true) = (&self.pipeline, self.guards.decode_time) {
            rung = guards::within_compute(view, rung, &pipeline.outlook(self.clock_s));
        }
        rung
    }

    /// Decides about a title in layers: the base of the next segment, or more for a buffered one.
    fn next_layer(&mut self, full_s: f64) -> Command {
        let Some(layers) = &self.layers else {
            return Command::Continue;
        };
        let more = self.next < self.ladder.segments();
        let excess_s = if more { self.excess_s() } else { None };
        let view = self.view(&self.ladder);
        let action = layers.choose(&view, more && excess_s.is_none(), self.open());
        let (segment, rung, by) = match (action, excess_s) {
            (Some(Action::Base), _) => (self.next, 0, "base"),
            (Some(Action::Layer { segment, layer }), _) => (segment, layer, "layer"),
            (None, Some(excess_s)) => return self.wait_for_room(excess_s),
            (None, None) => return self.drain(),
        };
        self.failed.clear();
        self.request(Plan {
            segment,
            rung,
            wanted: rung,
            by,
            decided_s: self.clock_s,
            buffer_s: self.buffer.level_s(),
            full_s,
        })
    }

    /// Sends `plan` out: a new record and a new transfer.
    fn request(&mut self, plan: Plan) -> Command {
        let (segment, rung) = (plan.segment, plan.rung);
        self.log.requests.push(Request {
            segment,
            rung,
            wanted: plan.wanted,
            by: plan.by,
            decided_s: plan.decided_s,
            buffer_s: plan.buffer_s,
            throughput_kbps: self.throughput.kbps(),
            latency_s: self.throughput.latency_s(),
            full_s: plan.full_s,
            held_s: self.clock_s - plan.decided_s,
            requested_s: self.clock_s,
            first_byte_s: None,
            ended_s: None,
            size: self.ladder.size(segment, rung),
            bytes: 0,
            lost: 0,
            outcome: Outcome::Pending,
            buffer_after_s: None,
        });
        self.activity = Activity::Transfer(Transfer {
            segment,
            rung,
            since_s: self.clock_s,
            first_byte_s: None,
            received: 0,
            playable_s: None,
            lost: 0,
            buffer_before_s: self.buffer.level_s(),
        });
        Command::Fetch { segment, rung }
    }

    /// Asks for the segment at hand from another rung, at once.
    fn request_instead(&mut self, rung: usize, by: &'static str) {
        self.request(Plan {
            segment: self.next,
            rung,
            wanted: rung,
            by,
            decided_s: self.clock_s,
            buffer_s: self.buffer.level_s(),
            full_s: 0.0,
        });
    }

    fn first_byte(&mut self, mut transfer: Transfer) -> Command {
        transfer.first_byte_s.get_or_insert(self.clock_s);
        self.activity = Activity::Transfer(transfer);
        Command::Continue
    }

    fn playable(&mut self, mut transfer: Transfer, seconds: f64) -> Command {
        transfer.playable_s = Some(seconds);
        self.activity = Activity::Transfer(transfer);
        Command::Continue
    }

    fn progress(&mut self, mut transfer: Transfer, bytes: u64) -> Command {
        transfer.received = transfer.received.max(bytes);
        self.activity = Activity::Transfer(transfer);
        if transfer.segment != self.next {
            return self.upgrade_progress(transfer);
        }
        if !self.guards.abandonment || transfer.rung == 0 {
            return Command::Continue;
        }
        match guards::instead(&self.ladder, &self.progress_of(&transfer)) {
            // A rung that has failed for this segment would only fail again, and send us back here.
            Some(rung) if !self.failed.contains(&rung) => self.abandon(transfer, rung),
            _ => Command::Continue,
        }
    }

    fn progress_of(&self, transfer: &Transfer) -> Progress {
        Progress {
            segment: transfer.segment,
            rung: transfer.rung,
            received: transfer.received,
            elapsed_s: self.clock_s - transfer.since_s,
            latency_s: transfer.latency_s(),
            buffer_s: self.buffer.level_s(),
            estimate_kbps: self.throughput.kbps(),
        }
    }

    /// Drops an upgrade that would come too late.
    fn upgrade_progress(&mut self, transfer: Transfer) -> Command {
        let flowed_s = self.clock_s - transfer.flow_s();
        if transfer.received == 0 || flowed_s <= 0.0 {
            return Command::Continue;
        }
        let size = self.ladder.size(transfer.segment, transfer.rung);
        let left = size.saturating_sub(transfer.received);
        let rate = transfer.received as f64 / flowed_s;
        if !self.comes_too_late(transfer.segment, left, rate) {
            return Command::Continue;
        }
        self.measure(&transfer);
        self.close(&transfer, Outcome::Abandoned);
        self.barred.push(transfer.segment);
        self.next_segment()
    }

    fn abandon(&mut self, transfer: Transfer, rung: usize) -> Command {
        self.measure(&transfer);
        self.close(&transfer, Outcome::Abandoned);
        self.keep(&transfer);
        self.rule.abandoned(rung, self.buffer.level_s());
        self.request_instead(rung, "abandonment");
        Command::Abandon {
            segment: self.next,
            rung,
        }
    }

    /// Keeps the whole samples of an abandoned transfer: they play, and the rest of the segment comes
    /// from the rung that is fetched instead.
    fn keep(&mut self, transfer: &Transfer) {
        let (segment, rung) = (transfer.segment, transfer.rung);
        let kept_s = match transfer.playable_s {
            Some(seconds) => seconds.min(self.ladder.duration_s(segment)),
            None => self.ladder.prefix_s(segment, rung, transfer.received),
        };
        // After a seek into the segment its start is not wanted.
        if kept_s <= self.kept_s + TICK_S || self.enter_s > self.ladder.start_s(segment) {
            return;
        }
        let left_s = kept_s - self.kept_s;
        self.put(transfer, left_s);
        self.kept_s = kept_s;
        self.barred.push(segment);
        self.arrived();
    }

    fn delivered(&mut self, mut transfer: Transfer, bytes: u64) -> Command {
        transfer.received = bytes;
        self.measure(&transfer);
        let again = transfer.segment != self.next;
        if again {
            let outcome = self.upgrade(&transfer);
            self.close(&transfer, outcome);
        } else {
            self.append(&transfer);
            self.close(&transfer, Outcome::Delivered);
        }
        self.rule.delivered(&Delivery {
            segment: transfer.segment,
            rung: transfer.rung,
            again,
            bytes,
            took_s: self.clock_s - transfer.since_s,
            latency_s: transfer.latency_s(),
            buffer_before_s: transfer.buffer_before_s,
            buffer_after_s: self.buffer.level_s(),
        });
        if !again {
            self.arrived();
            self.last_rung = Some(transfer.rung);
            self.since_start += 1;
            self.next += 1;
        }
        self.next_segment()
    }

    /// Puts the next segment into the buffer.
    fn append(&mut self, transfer: &Transfer) {
        let segment = transfer.segment;
        let start_s = self.ladder.start_s(segment).max(self.enter_s);
        let left_s = self.ladder.start_s(segment + 1) - start_s - self.kept_s;
        self.kept_s = 0.0;
        self.put(transfer, left_s);
    }

    /// Puts `left_s` seconds of what `transfer` brought at the end of the buffer.
    fn put(&mut self, transfer: &Transfer, left_s: f64) {
        let arrival = self.arrival(transfer, left_s, self.resumes_s() + self.buffer.level_s());
        let (now_s, pipeline) = (self.clock_s, self.pipeline.as_mut());
        let ready_s = pipeline.map_or(f64::NEG_INFINITY, |pipeline| pipeline.push(arrival, now_s));
        let (segment, rung) = (transfer.segment, transfer.rung);
        self.buffer.push(Piece::new(segment, rung, left_s, ready_s));
    }

    fn arrival(&self, transfer: &Transfer, duration_s: f64, due_s: f64) -> Arrival {
        Arrival {
            segment: transfer.segment,
            rung: transfer.rung,
            bytes: transfer.received,
            duration_s,
            due_s,
        }
    }

    /// Puts a higher rung, or one more layer, in the place of a buffered segment.
    fn upgrade(&mut self, transfer: &Transfer) -> Outcome {
        let (segment, rung) = (transfer.segment, transfer.rung);
        let Some(open) = self.open().find(|open| open.segment == segment) else {
            return Outcome::TooLate;
        };
        let arrival = self.arrival(transfer, 0.0, self.clock_s + open.plays_in_s);
        let ready_s = match &mut self.pipeline {
            None => f64::NEG_INFINITY,
            Some(pipeline) => match pipeline.replace(arrival, self.clock_s) {
                Some(ready_s) => ready_s,
                None => return Outcome::TooLate,
            },
        };
        self.buffer.raise(segment, rung, ready_s);
        if self.ladder.is_layered() {
            return Outcome::Added;
        }
        self.log.replaced(segment);
        if segment + 1 == self.next {
            self.last_rung = Some(rung);
        }
        Outcome::Delivered
    }

    fn retried(&mut self, transfer: Transfer) -> Command {
        self.activity = Activity::Transfer(Transfer {
            since_s: self.clock_s,
            first_byte_s: None,
            received: 0,
            playable_s: None,
            lost: transfer.lost + transfer.received,
            ..transfer
        });
        Command::Continue
    }

    fn give_up_upgrade(&mut self, transfer: Transfer) -> Command {
        self.close(&transfer, Outcome::Failed);
        self.barred.push(transfer.segment);
        self.next_segment()
    }

    /// Tries the next lower rung, then the higher ones. A base layer has no substitute.
    fn give_up_rung(&mut self, transfer: Transfer) -> Command {
        self.close(&transfer, Outcome::Failed);
        self.failed.push(transfer.rung);
        let others = (0..transfer.rung)
            .rev()
            .chain(transfer.rung..=self.ladder.top());
        let mut untried = others.filter(|rung| !self.failed.contains(rung));
        let segment = self.next;
        match untried.next() {
            Some(rung) if self.layers.is_none() => {
                self.request_instead(rung, "failure");
                Command::Fetch { segment, rung }
            }
            _ => {
                self.state = State::Ended;
                self.activity = Activity::Nothing;
                Command::GiveUp { segment }
            }
        }
    }

    fn seek(&mut self, to_s: f64) -> Command {
        if let Activity::Transfer(transfer) = self.activity {
            self.close(&transfer, Outcome::Dropped);
        }
        let to_s = if to_s.is_finite() { to_s } else { 0.0 };
        let to_s = to_s.clamp(0.0, self.ladder.total_s());
        self.log.seeks.push(Seek {
            at_s: self.clock_s,
            to_s,
        });
        self.end_stall();
        self.log.ended_s = None;
        self.buffer.clear();
        if let Some(pipeline) = &mut self.pipeline {
            pipeline.clear(self.clock_s);
        }
        self.rule.emptied();
        self.barred.clear();
        self.kept_s = 0.0;
        self.next = self.ladder.segment_at(to_s);
        self.enter_s = to_s;
        self.since_start = 0;
        if self.state != State::StartUp {
            self.state = State::Seeking;
        }
        self.next_segment()
    }

    /// Lets the estimate learn from a transfer.
    fn measure(&mut self, transfer: &Transfer) {
        let flowed = self.clock_s - transfer.flow_s();
        self.throughput
            .push(transfer.received, flowed, transfer.latency_s());
    }

    /// Completes the last record.
    fn close(&mut self, transfer: &Transfer, outcome: Outcome) {
        let (at_s, buffer_s) = (self.clock_s, self.buffer.level_s());
        if let Some(record) = self.log.requests.last_mut() {
            transfer.close(record, at_s, buffer_s, outcome);
        }
    }
}
