//! Which segment from which rung, and when: the rule, the guards, the room in the buffer.

use super::Session;
use super::activity::{Activity, Transfer};
use crate::player::abr::View;
use crate::player::buffer::TICK_S;
use crate::player::event::{Command, Event};
use crate::player::guards;
use crate::player::ladder::Ladder;
use crate::player::log::Request;
use std::sync::Arc;

/// A buffer that is over its target by less is not full, seconds.
const ROUNDING_S: f64 = 1e-6;

impl Session {
    /// Waits for room in the buffer if there is none, then decides about the next segment.
    pub(super) fn next_segment(&mut self) -> Command {
        if self.layers.is_some() {
            return self.next_layer(0.0);
        }
        if self.next >= self.ladder.segments() {
            return self.drain();
        }
        match self.excess_s() {
            Some(excess_s) => self.wait_for_room(self.clock_s, excess_s),
            None => self.decide(0.0),
        }
    }

    pub(super) fn drain(&mut self) -> Command {
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

    /// Handles an event while the buffer is full, since `since_s` and predicted until `until_s`.
    pub(super) fn full(&mut self, since_s: f64, until_s: f64, event: Event) -> Command {
        let over = event == Event::Timer && self.clock_s >= until_s;
        if !over && !event.moves_playhead() {
            return Command::Wait { until_s };
        }
        let still = |excess_s: &f64| {
            let goes_on = self.resumes_s() + excess_s > self.clock_s;
            *excess_s > ROUNDING_S && goes_on
        };
        match self.excess_s().filter(still) {
            Some(excess_s) => self.wait_for_room(since_s, excess_s),
            None => self.decide(self.clock_s - since_s),
        }
    }

    fn wait_for_room(&mut self, since_s: f64, excess_s: f64) -> Command {
        let until_s = self.playhead.passes_s(self.resumes_s(), excess_s);
        self.activity = Activity::Room { since_s, until_s };
        Command::Wait { until_s }
    }

    /// The state in media time: at a playback rate of 2 the network has half the rate and twice the latency.
    fn view<'a>(&self, ladder: &'a Ladder) -> View<'a> {
        let rate = self.playhead.rate;
        View {
            ladder,
            segment: self.next,
            since_start: self.since_start,
            buffer_s: self.buffer.level_s(),
            buffer_target_s: self.buffer_target_s,
            throughput_kbps: self.throughput.kbps().map(|kbps| kbps / rate),
            latency_s: self.throughput.latency_s() * rate,
            last_rung: self.last_rung,
        }
    }

    /// Asks the rule, then the guards; `full_s` is how long the buffer was full before.
    fn decide(&mut self, full_s: f64) -> Command {
        if self.layers.is_some() {
            return self.next_layer(full_s);
        }
        if full_s > 0.0 {
            self.rule.idled(full_s * self.playhead.rate);
        }
        let ladder = Arc::clone(&self.ladder);
        let view = self.view(&ladder);
        let choice = self.rule.choose(&view);
        let rung = self.guarded(&view, choice.rung);
        if rung != choice.rung {
            self.rule.overruled(&view, rung);
        }
        self.failed.clear();
        let again = self.to_replace(&view, rung);
        let by = again.map_or(choice.by, |_| "replacement");
        let request = Request {
            wanted: choice.rung,
            full_s,
            ..self.decided(again.unwrap_or(self.next), rung, by)
        };
        if again.is_none() && rung == choice.rung && choice.wait_s > TICK_S {
            let wait_s = choice.wait_s.min(view.buffer_s) / self.playhead.rate;
            let until_s = self.clock_s + wait_s;
            self.activity = Activity::Held { request, until_s };
            return Command::Wait { until_s };
        }
        self.request(request)
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
        if let (Some(device), true) = (&self.device, self.guards.decode_time) {
            let outlook = device.outlook(&self.buffer, self.clock_s);
            rung = guards::within_compute(view, rung, &outlook);
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
            (Some((segment, 0)), _) => (segment, 0, "base"),
            (Some((segment, layer)), _) => (segment, layer, "layer"),
            (None, Some(excess_s)) => return self.wait_for_room(self.clock_s, excess_s),
            (None, None) => return self.drain(),
        };
        self.failed.clear();
        self.request(Request {
            full_s,
            ..self.decided(segment, rung, by)
        })
    }

    /// A request for `segment` from `rung`, decided now.
    fn decided(&self, segment: usize, rung: usize, by: &'static str) -> Request {
        Request {
            segment,
            rung,
            wanted: rung,
            by,
            decided_s: self.clock_s,
            buffer_s: self.buffer.level_s(),
            throughput_kbps: self.throughput.kbps(),
            latency_s: self.throughput.latency_s(),
            ..Request::default()
        }
    }

    /// Sends a request: a new record and a new transfer.
    pub(super) fn request(&mut self, request: Request) -> Command {
        let (segment, rung) = (request.segment, request.rung);
        self.log.requests.push(Request {
            held_s: self.clock_s - request.decided_s,
            requested_s: self.clock_s,
            size: self.ladder.size(segment, rung),
            ..request
        });
        self.activity = Activity::Transfer(Transfer {
            segment,
            rung,
            since_s: self.clock_s,
            buffer_before_s: self.buffer.level_s(),
            ..Transfer::default()
        });
        Command::Fetch { segment, rung }
    }

    /// Requests the current segment from another rung, at once.
    pub(super) fn request_instead(&mut self, rung: usize, by: &'static str) -> Command {
        self.request(self.decided(self.next, rung, by))
    }
}
