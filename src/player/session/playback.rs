//! The viewer's side of the session: play, stalls and their causes, seeks.

use super::Session;
use super::activity::Activity;
use crate::player::buffer::{Piece, TICK_S};
use crate::player::event::{Command, Event, Rendered, State};
use crate::player::log::{Cause, Outcome, Play, Seek, Stall};

impl Session {
    pub(super) fn advance(&mut self, now_s: f64) {
        let elapsed = now_s - self.clock_s;
        if !elapsed.is_finite() || elapsed <= 0.0 {
            return;
        }
        if let Some(device) = &self.device {
            device.postpone(&mut self.buffer, now_s);
        }
        while self.clock_s < now_s {
            match self.state {
                State::Steady if self.playhead.is_self_running() => self.play_until(now_s),
                State::Steady | State::Ended => self.clock_s = now_s,
                State::StartUp | State::Stalled | State::Seeking => self.wait_until(now_s),
            }
        }
        if let Some(device) = &mut self.device {
            device.advance(&mut self.buffer, now_s);
        }
    }

    /// Handles an event that concerns the playhead or what can be shown.
    pub(super) fn move_playhead(&mut self, event: Event) {
        let now_s = self.clock_s;
        match event {
            Event::Rendered(news) => self.rendered(&news),
            Event::Playhead(to_s) if to_s.is_finite() => self.report(to_s),
            Event::Pause => self.pause(),
            Event::Resume => {
                let paused_s = self.playhead.resume(now_s, &mut self.log);
                if let Activity::Room { since_s, .. } = &mut self.activity {
                    *since_s += paused_s;
                }
            }
            Event::Rate(rate) => {
                self.playhead.set_rate(rate);
                if let Some(device) = &mut self.device {
                    device.rate = self.playhead.rate;
                }
            }
            _ => {}
        }
    }

    /// Pauses; ends a stall, for the viewer no longer waits.
    fn pause(&mut self) {
        self.playhead.pause(self.clock_s, &mut self.log);
        if self.state == State::Stalled {
            self.end_stall();
            self.state = State::Steady;
        }
    }

    /// Plays up to an outside clock's `to_s`, as far as media is ready; a clock that lags plays nothing.
    fn report(&mut self, to_s: f64) {
        let media_s = self.playhead.report(to_s, self.ladder.total_s());
        if self.state == State::Steady && media_s > 0.0 {
            let played_s = self.play_span(media_s, f64::INFINITY);
            self.after_play(self.clock_s, media_s > played_s + TICK_S);
        }
    }

    fn rendered(&mut self, news: &Rendered) {
        let (now_s, device) = (self.clock_s, self.device.as_mut());
        let dated = device.and_then(|device| device.rendered(&mut self.buffer, news, now_s));
        let Some((ready_s, piece)) = dated.filter(|(_, piece)| piece.left_s > 0.0) else {
            return;
        };
        if piece.begun {
            return self.count_if_late(news);
        }
        piece.ready_s = ready_s;
        if self.state != State::Steady {
            self.arrived();
        }
    }

    /// Counts the newest frame of the segment on the screen if its time has passed.
    fn count_if_late(&mut self, news: &Rendered) {
        let Some(frame_s) = self.device.as_ref().map(|device| 1.0 / device.shown_fps()) else {
            return;
        };
        let play = self.log.plays.last();
        let due_s = play.filter(|play| play.segment == news.segment);
        let due_s = due_s.map(|play| play.start_s + f64::from(news.frames) * frame_s);
        // The last report on a segment brings no frame.
        if !news.complete && due_s.is_some_and(|due_s| self.clock_s > due_s) {
            self.log.late_frames += 1;
        }
    }

    /// Whether a real renderer still works on buffered segments.
    pub fn is_generating(&self) -> bool {
        let measured = self.device.as_ref().is_some_and(|device| device.measured);
        measured && self.buffer.pieces.iter().any(|piece| piece.job.is_some())
    }

    /// Plays what can be played; the clock goes on to `now_s`, or to where a stall began.
    fn play_until(&mut self, now_s: f64) {
        let (from_s, elapsed, rate) = (self.clock_s, now_s - self.clock_s, self.playhead.rate);
        let played_s = self.play_span(elapsed * rate, rate) / rate;
        self.clock_s = now_s;
        self.after_play(from_s + played_s, elapsed > played_s + TICK_S);
    }

    /// Plays from the buffer into the log; returns the media played, seconds.
    fn play_span(&mut self, wanted_s: f64, rate: f64) -> f64 {
        let (on_rung, plays) = (&mut self.log.played_s, &mut self.log.plays);
        let note = |piece: &Piece, media_s, began_s: Option<f64>| {
            on_rung[piece.rung] += media_s;
            plays.extend(began_s.map(|start_s| Play {
                segment: piece.segment,
                rung: piece.rung,
                start_s,
            }));
        };
        let played_s = self.buffer.play(self.clock_s, wanted_s, rate, note);
        self.playhead.position_s += played_s;
        played_s
    }

    /// Play stopped at `stopped_s`: at the end of the title, or, when it fell `short`, in a stall.
    fn after_play(&mut self, stopped_s: f64, short: bool) {
        let fetched = self.next >= self.ladder.segments();
        if fetched && self.buffer.level_s() <= 0.0 {
            self.end(stopped_s);
        } else if short && self.buffer.front().is_some() {
            self.stall(stopped_s, Cause::Decode);
            self.clock_s = stopped_s;
        } else if short {
            self.stall(stopped_s, Cause::Network);
        }
    }

    fn stall(&mut self, start_s: f64, cause: Cause) {
        self.state = State::Stalled;
        self.log.stalls.push(Stall {
            start_s,
            end_s: None,
            cause,
        });
        if cause == Cause::Network {
            self.rule.emptied();
        }
    }

    /// Goes on to `now_s`, or to where the segment that is waited for is ready.
    fn wait_until(&mut self, now_s: f64) {
        let ready_s = self.buffer.front().map(|piece| piece.ready_s);
        match ready_s.filter(|&ready_s| ready_s <= now_s) {
            Some(ready_s) => {
                self.clock_s = self.clock_s.max(ready_s);
                self.play();
            }
            None => self.clock_s = now_s,
        }
    }

    /// A segment arrived: plays it, or waits for its first frame.
    pub(super) fn arrived(&mut self) {
        let ready_s = self.buffer.front().map(|piece| piece.ready_s);
        if ready_s.is_none_or(|ready_s| ready_s <= self.clock_s) {
            return self.play();
        }
        let waits_for_network = |stall: &Stall| stall.cause == Cause::Network;
        let last = self.log.stalls.last();
        if self.state == State::Stalled && last.is_some_and(waits_for_network) {
            self.end_stall();
            self.stall(self.clock_s, Cause::Decode);
        }
    }

    fn play(&mut self) {
        self.log.startup_s.get_or_insert(self.clock_s);
        self.end_stall();
        self.state = State::Steady;
    }

    pub(super) fn end_stall(&mut self) {
        let last = self.log.stalls.last_mut();
        let Some(stall) = last.filter(|stall| stall.end_s.is_none()) else {
            return;
        };
        stall.end_s = Some(self.clock_s);
        let late_s = self.clock_s - stall.start_s;
        let front = self.buffer.front();
        if let (Cause::Decode, Some(piece), Some(device)) = (stall.cause, front, &self.device) {
            self.log.late_frames += device.late_frames(&self.buffer, piece.segment, late_s);
        }
    }

    /// When playback goes on if nothing else arrives, or now; seconds.
    pub(super) fn resumes_s(&self) -> f64 {
        let front = self.buffer.front();
        let ready_s = front.map_or(self.clock_s, |piece| piece.ready_s);
        self.clock_s.max(ready_s)
    }

    /// When the buffer will have been played, if every segment is ready in time, without a pause.
    pub(super) fn plays_until_s(&self) -> f64 {
        self.playhead
            .passes_s(self.resumes_s(), self.buffer.level_s())
    }

    /// Handles the time at which everything should have been played.
    pub(super) fn drained(&mut self, until_s: f64) -> Command {
        let goes_on = self.plays_until_s() > self.clock_s;
        if self.device.is_some() && self.buffer.level_s() > TICK_S && goes_on {
            return self.drain();
        }
        self.end(until_s)
    }

    fn end(&mut self, at_s: f64) -> Command {
        self.state = State::Ended;
        self.log.ended_s = Some(at_s);
        Command::Done
    }

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
