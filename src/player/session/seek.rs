//! Jumps to another place of the title.

use super::Session;
use super::activity::Activity;
use crate::player::event::{Command, State};
use crate::player::log::{Outcome, Seek};

impl Session {
    pub(super) fn seek(&mut self, to_s: f64) -> Command {
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
        if let Some(device) = &mut self.device {
            device.clear(self.clock_s);
        }
        self.rule.emptied();
        self.barred.clear();
        self.kept_s = 0.0;
        self.next = self.ladder.segment_at(to_s);
        self.enter_s = to_s;
        self.playhead.position_s = to_s;
        self.since_start = 0;
        if self.state != State::StartUp {
            self.state = State::Seeking;
        }
        self.next_segment()
    }
}
