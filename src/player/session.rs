//! The session: a state machine that turns events with a time into commands.
//!
//! ```text
//! start-up ──segment──▶ steady ──dry──▶ stalled ──segment──▶ steady ──last frame──▶ ended
//!                          └──seek──▶ seeking ──segment──▶ steady
//! ```
//!
//! One transfer at a time. A driver calls [`Session::handle`] with what happened and when, and does
//! what the [`Command`] says; between events the session assumes that media plays in real time.
//! Time never runs backward: an event dated before the last one counts as simultaneous with it.
//! An event that does not fit what the driver was told to do changes nothing but the time.

use super::abr::{Abr, Delivery, Rule, View};
use super::buffer::{Buffer, Piece, TICK_S};
use super::event::{Command, Event, State};
use super::guards::{self, Progress};
use super::ladder::Ladder;
use super::log::{Log, Outcome, Request, Seek, Stall};
use super::throughput::{Estimator, Throughput};
use std::sync::Arc;

/// What a session is set up with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The rule.
    pub abr: Abr,
    /// Media to keep in the buffer, seconds. At least two segments are kept whatever it says,
    /// for a segment must be able to arrive while another plays.
    pub buffer_s: f64,
    /// Where playback begins, seconds of media time.
    pub start_s: f64,
    /// How the throughput is estimated.
    pub estimator: Estimator,
    /// What chance follows from, in the rules that use any.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            abr: Abr::default(),
            buffer_s: 25.0,
            start_s: 0.0,
            estimator: Estimator::default(),
            seed: 0,
        }
    }
}

/// What the session is waiting for.
#[derive(Debug, Clone, Copy)]
enum Activity {
    /// [`Event::Start`].
    Nothing,
    /// Room in the buffer.
    Room { since_s: f64, until_s: f64 },
    /// The end of a wait that the rule asked for; then this goes out.
    Held { plan: Plan, until_s: f64 },
    /// A transfer.
    Transfer(Transfer),
    /// The end of playback.
    Drain { until_s: f64 },
}

/// A decision about to be carried out.
#[derive(Debug, Clone, Copy)]
struct Plan {
    rung: usize,
    wanted: usize,
    by: &'static str,
    decided_s: f64,
    buffer_s: f64,
    full_s: f64,
}

/// The request under way; its record is the log's last.
#[derive(Debug, Clone, Copy)]
struct Transfer {
    rung: usize,
    /// What rates and latencies are measured from: the request, or its latest retry.
    since_s: f64,
    first_byte_s: Option<f64>,
    received: u64,
    /// Bytes of broken attempts.
    lost: u64,
    buffer_before_s: f64,
}

impl Transfer {
    fn latency_s(&self) -> f64 {
        self.first_byte_s.map_or(0.0, |first| first - self.since_s)
    }

    /// When bytes began to flow.
    fn flow_s(&self) -> f64 {
        self.first_byte_s.unwrap_or(self.since_s)
    }
}

/// One playback of one title. See the module's description.
#[derive(Debug)]
pub struct Session {
    ladder: Arc<Ladder>,
    rule: Box<dyn Rule>,
    guarded: bool,
    buffer_target_s: f64,
    buffer: Buffer,
    throughput: Throughput,
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
    /// Rungs that failed for the segment at hand.
    failed: Vec<usize>,
    log: Log,
}

impl Session {
    /// A session over `ladder` that has not begun.
    pub fn new(ladder: Arc<Ladder>, options: &Options) -> Self {
        let buffer_target_s = options.buffer_s.max(2.0 * ladder.mean_duration_s());
        let enter_s = options.start_s.clamp(0.0, ladder.total_s());
        let next = ladder.segment_at(enter_s);
        let log = Log {
            requests: Vec::with_capacity(ladder.segments() - next),
            played_s: vec![0.0; ladder.rungs().len()],
            ..Log::default()
        };
        Self {
            rule: options.abr.build(&ladder, buffer_target_s, options.seed),
            guarded: !matches!(options.abr, Abr::Fixed(_)),
            buffer_target_s,
            buffer: Buffer::default(),
            throughput: Throughput::new(options.estimator, ladder.mean_duration_s()),
            state: State::StartUp,
            activity: Activity::Nothing,
            clock_s: 0.0,
            next,
            enter_s,
            last_rung: None,
            since_start: 0,
            failed: Vec::new(),
            log,
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
        match self.activity {
            Activity::Nothing => self.begin(event),
            Activity::Room { since_s, until_s } => match event {
                Event::Timer if self.clock_s >= until_s => self.decide(self.clock_s - since_s),
                _ => Command::Wait { until_s },
            },
            Activity::Held { plan, until_s } => match event {
                Event::Timer if self.clock_s >= until_s => self.request(plan),
                _ => Command::Wait { until_s },
            },
            Activity::Transfer(transfer) => self.transferring(transfer, event),
            Activity::Drain { until_s } => match event {
                Event::Timer if self.clock_s >= until_s => self.end(until_s),
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
            Event::Delivered(bytes) => self.delivered(transfer, bytes),
            Event::Retried => self.retried(transfer),
            Event::Failed => self.give_up_rung(transfer),
            _ => Command::Continue,
        }
    }

    /// Plays up to `now_s`.
    fn advance(&mut self, now_s: f64) {
        let elapsed = now_s - self.clock_s;
        if !elapsed.is_finite() || elapsed <= 0.0 {
            return;
        }
        if self.state == State::Steady {
            let on_rung = &mut self.log.played_s;
            let played = self
                .buffer
                .play(elapsed, |rung, seconds| on_rung[rung] += seconds);
            let dry_s = self.clock_s + played;
            let all_here = self.next >= self.ladder.segments();
            if all_here && self.buffer.level_s() <= 0.0 {
                self.end(dry_s);
            } else if elapsed > played + TICK_S {
                self.state = State::Stalled;
                self.log.stalls.push(Stall {
                    start_s: dry_s,
                    end_s: None,
                });
                self.rule.emptied();
            }
        }
        self.clock_s = now_s;
    }

    fn end(&mut self, at_s: f64) -> Command {
        self.state = State::Ended;
        self.log.ended_s = Some(at_s);
        Command::Done
    }

    /// Waits for room in the buffer if there is none, then decides about the next segment.
    fn next_segment(&mut self) -> Command {
        if self.next >= self.ladder.segments() {
            let until_s = self.clock_s + self.buffer.level_s();
            self.activity = Activity::Drain { until_s };
            return Command::Drain { until_s };
        }
        let duration = self.ladder.duration_s(self.next);
        let room = self.buffer_target_s.max(2.0 * duration);
        let excess = self.buffer.level_s() + duration - room;
        if excess > TICK_S {
            let since_s = self.clock_s;
            let until_s = since_s + excess;
            self.activity = Activity::Room { since_s, until_s };
            return Command::Wait { until_s };
        }
        self.decide(0.0)
    }

    /// Asks the rule, then the guards; `full_s` is how long the buffer was full before.
    fn decide(&mut self, full_s: f64) -> Command {
        if full_s > 0.0 {
            self.rule.idled(full_s);
        }
        let view = View {
            ladder: &self.ladder,
            segment: self.next,
            since_start: self.since_start,
            buffer_s: self.buffer.level_s(),
            buffer_target_s: self.buffer_target_s,
            throughput_kbps: self.throughput.kbps(),
            latency_s: self.throughput.latency_s(),
            last_rung: self.last_rung,
        };
        let choice = self.rule.choose(&view);
        let rung = if self.guarded {
            guards::within_buffer(&view, choice.rung)
        } else {
            choice.rung
        };
        if rung != choice.rung {
            self.rule.overruled(&view, rung);
        }
        let plan = Plan {
            rung,
            wanted: choice.rung,
            by: choice.by,
            decided_s: self.clock_s,
            buffer_s: view.buffer_s,
            full_s,
        };
        self.failed.clear();
        if rung == choice.rung && choice.wait_s > TICK_S {
            let until_s = self.clock_s + choice.wait_s.min(view.buffer_s);
            self.activity = Activity::Held { plan, until_s };
            return Command::Wait { until_s };
        }
        self.request(plan)
    }

    /// Sends `plan` out: a new record and a new transfer.
    fn request(&mut self, plan: Plan) -> Command {
        let (segment, rung) = (self.next, plan.rung);
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
            rung,
            since_s: self.clock_s,
            first_byte_s: None,
            received: 0,
            lost: 0,
            buffer_before_s: self.buffer.level_s(),
        });
        Command::Fetch { segment, rung }
    }

    /// Asks for the segment at hand from another rung, at once.
    fn request_instead(&mut self, rung: usize, by: &'static str) {
        let (decided_s, buffer_s) = (self.clock_s, self.buffer.level_s());
        self.request(Plan {
            rung,
            wanted: rung,
            by,
            decided_s,
            buffer_s,
            full_s: 0.0,
        });
    }

    fn first_byte(&mut self, mut transfer: Transfer) -> Command {
        transfer.first_byte_s.get_or_insert(self.clock_s);
        self.activity = Activity::Transfer(transfer);
        Command::Continue
    }

    fn progress(&mut self, mut transfer: Transfer, bytes: u64) -> Command {
        transfer.received = transfer.received.max(bytes);
        self.activity = Activity::Transfer(transfer);
        if !self.guarded {
            return Command::Continue;
        }
        let progress = Progress {
            segment: self.next,
            rung: transfer.rung,
            received: transfer.received,
            elapsed_s: self.clock_s - transfer.since_s,
            latency_s: transfer.latency_s(),
            buffer_s: self.buffer.level_s(),
        };
        match guards::instead(&self.ladder, &progress) {
            // A rung that has failed for this segment would only fail again, and send us back here.
            Some(rung) if !self.failed.contains(&rung) => self.abandon(transfer, rung),
            _ => Command::Continue,
        }
    }

    fn abandon(&mut self, transfer: Transfer, rung: usize) -> Command {
        self.measure(&transfer);
        self.close(&transfer, Outcome::Abandoned);
        self.rule.abandoned(rung, self.buffer.level_s());
        self.request_instead(rung, "abandonment");
        Command::Abandon {
            segment: self.next,
            rung,
        }
    }

    fn delivered(&mut self, mut transfer: Transfer, bytes: u64) -> Command {
        transfer.received = bytes;
        self.measure(&transfer);
        let end_s = self.ladder.start_s(self.next + 1);
        self.buffer.push(Piece {
            segment: self.next,
            rung: transfer.rung,
            left_s: end_s - self.ladder.start_s(self.next).max(self.enter_s),
        });
        self.close(&transfer, Outcome::Delivered);
        self.rule.delivered(&Delivery {
            segment: self.next,
            rung: transfer.rung,
            bytes,
            took_s: self.clock_s - transfer.since_s,
            latency_s: transfer.latency_s(),
            buffer_before_s: transfer.buffer_before_s,
            buffer_after_s: self.buffer.level_s(),
        });
        self.play();
        self.last_rung = Some(transfer.rung);
        self.since_start += 1;
        self.next += 1;
        self.next_segment()
    }

    /// Playback runs from now on, whatever held it up.
    fn play(&mut self) {
        self.log.startup_s.get_or_insert(self.clock_s);
        self.end_stall();
        self.state = State::Steady;
    }

    fn end_stall(&mut self) {
        if let (State::Stalled, Some(stall)) = (self.state, self.log.stalls.last_mut()) {
            stall.end_s = Some(self.clock_s);
        }
    }

    fn retried(&mut self, transfer: Transfer) -> Command {
        self.activity = Activity::Transfer(Transfer {
            since_s: self.clock_s,
            first_byte_s: None,
            received: 0,
            lost: transfer.lost + transfer.received,
            ..transfer
        });
        Command::Continue
    }

    /// Tries the next lower rung, then the higher ones.
    fn give_up_rung(&mut self, transfer: Transfer) -> Command {
        self.close(&transfer, Outcome::Failed);
        self.failed.push(transfer.rung);
        let others = (0..transfer.rung)
            .rev()
            .chain(transfer.rung..=self.ladder.top());
        let untried = others.into_iter().find(|rung| !self.failed.contains(rung));
        let segment = self.next;
        match untried {
            Some(rung) => {
                self.request_instead(rung, "failure");
                Command::Fetch { segment, rung }
            }
            None => {
                self.state = State::Ended;
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
        self.rule.emptied();
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
        if let Some(record) = self.log.requests.last_mut() {
            record.outcome = outcome;
            record.first_byte_s = transfer.first_byte_s;
            record.ended_s = Some(self.clock_s);
            record.bytes = transfer.received;
            record.lost = transfer.lost;
            record.buffer_after_s = Some(self.buffer.level_s());
        }
    }
}
