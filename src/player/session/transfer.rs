//! A transfer from its request to its end: delivered, abandoned, tried again or given up.

use super::Session;
use super::activity::{Activity, Transfer};
use crate::player::abr::Delivery;
use crate::player::event::{Command, Event, State};
use crate::player::guards::{self, Progress};
use crate::player::log::Outcome;

impl Session {
    /// When a report of progress may next end the transfer in flight, seconds; `None` when none may.
    pub fn next_abandon_check_s(&self) -> Option<f64> {
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

    pub(super) fn transferring(&mut self, mut transfer: Transfer, event: Event) -> Command {
        match event {
            Event::FirstByte => _ = transfer.first_byte_s.get_or_insert(self.clock_s),
            Event::Playable(seconds) => transfer.playable_s = Some(seconds),
            Event::Progress(bytes) => transfer.received = transfer.received.max(bytes),
            Event::Retried => transfer = self.retried(&transfer),
            Event::Delivered(bytes) => return self.delivered(transfer, bytes),
            Event::Failed if transfer.segment != self.next => {
                return self.give_up_upgrade(&transfer, Outcome::Failed);
            }
            Event::Failed => return self.give_up_rung(&transfer),
            _ => return Command::Continue,
        }
        self.activity = Activity::Transfer(transfer);
        match event {
            Event::Progress(_) => self.progress(&transfer),
            _ => Command::Continue,
        }
    }

    fn progress(&mut self, transfer: &Transfer) -> Command {
        if transfer.segment != self.next {
            return self.upgrade_progress(transfer);
        }
        if !self.guards.abandonment || transfer.rung == 0 {
            return Command::Continue;
        }
        match guards::instead(&self.ladder, &self.progress_of(transfer)) {
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
            buffer_s: self.playhead.lasts_s(self.buffer.level_s()),
            estimate_kbps: self.throughput.kbps(),
        }
    }

    fn upgrade_progress(&mut self, transfer: &Transfer) -> Command {
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
        self.measure(transfer);
        self.give_up_upgrade(transfer, Outcome::Abandoned)
    }

    fn abandon(&mut self, transfer: &Transfer, rung: usize) -> Command {
        self.measure(transfer);
        self.close(transfer, Outcome::Abandoned);
        self.keep(transfer);
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
        let again = transfer.segment != self.next;
        let outcome = if again {
            self.upgrade(&transfer)
        } else {
            self.append(&transfer)
        };
        self.close(&transfer, outcome);
        self.rule.delivered(&Delivery {
            segment: transfer.segment,
            rung: transfer.rung,
            again,
            bytes,
            took_s: (self.clock_s - transfer.since_s) * self.playhead.rate,
            latency_s: transfer.latency_s() * self.playhead.rate,
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

    fn retried(&self, transfer: &Transfer) -> Transfer {
        Transfer {
            since_s: self.clock_s,
            first_byte_s: None,
            received: 0,
            playable_s: None,
            lost: transfer.lost + transfer.received,
            ..*transfer
        }
    }

    fn give_up_upgrade(&mut self, transfer: &Transfer, outcome: Outcome) -> Command {
        self.close(transfer, outcome);
        self.barred.push(transfer.segment);
        self.next_segment()
    }

    /// Tries the next lower rung, then the higher ones. A base layer has no substitute.
    fn give_up_rung(&mut self, transfer: &Transfer) -> Command {
        self.close(transfer, Outcome::Failed);
        self.failed.push(transfer.rung);
        let (lower, higher) = (0..transfer.rung, transfer.rung..=self.ladder.top());
        let mut others = lower.rev().chain(higher);
        let untried = others.find(|rung| !self.failed.contains(rung));
        if let Some(rung) = untried.filter(|_| self.layers.is_none()) {
            return self.request_instead(rung, "failure");
        }
        self.state = State::Ended;
        self.activity = Activity::Nothing;
        Command::GiveUp { segment: self.next }
    }

    fn measure(&mut self, transfer: &Transfer) {
        let flowed_s = self.clock_s - transfer.flow_s();
        let (bytes, latency_s) = (transfer.received, transfer.latency_s());
        self.throughput.push(bytes, flowed_s, latency_s);
    }

    /// Completes the log's last record.
    pub(super) fn close(&mut self, transfer: &Transfer, outcome: Outcome) {
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
