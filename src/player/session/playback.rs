//! The viewer's side of the session: what plays, what stalls, and why.

use super::Session;
use crate::player::buffer::TICK_S;
use crate::player::event::{Command, Rendered, State};
use crate::player::log::{Cause, Play, Stall};
use crate::player::pipeline::{NEWS_S, Pipeline};

impl Session {
    /// Plays up to `now_s`.
    pub(super) fn advance(&mut self, now_s: f64) {
        let elapsed = now_s - self.clock_s;
        if !elapsed.is_finite() || elapsed <= 0.0 {
            return;
        }
        self.postpone(now_s);
        while self.clock_s < now_s {
            match self.state {
                State::Steady => self.play_until(now_s),
                State::StartUp | State::Stalled | State::Seeking => self.wait_until(now_s),
                State::Ended => self.clock_s = now_s,
            }
        }
        if let Some(pipeline) = &mut self.pipeline {
            pipeline.advance(now_s);
        }
    }

    /// What a real generator has said nothing of by `now_s` is not ready.
    fn postpone(&mut self, now_s: f64) {
        if let Some(pipeline) = self.pipeline.as_ref().filter(|p| p.is_measured()) {
            self.buffer.postpone(pipeline.untold(), now_s + NEWS_S);
        }
    }

    /// Takes in how far a real generator has come.
    pub(super) fn rendered(&mut self, news: &Rendered) {
        let now_s = self.clock_s;
        let told = self.pipeline.as_mut().filter(|p| p.is_measured());
        let Some((ready_s, after)) = told.and_then(|pipeline| pipeline.rendered(news, now_s))
        else {
            return;
        };
        let piece = self.buffer.last_but(after);
        let Some(piece) = piece.filter(|piece| piece.segment == news.segment) else {
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

    /// Counts the newest frame of what is on the screen if its time has passed.
    fn count_if_late(&mut self, news: &Rendered) {
        let Some(frame_s) = self.pipeline.as_ref().map(Pipeline::shown_s) else {
            return;
        };
        let play = self.log.plays.last();
        let due_s = play.filter(|play| play.segment == news.segment);
        let due_s = due_s.map(|play| play.start_s + f64::from(news.frames) * frame_s);
        // The last news of a segment brings no frame.
        if !news.complete && due_s.is_some_and(|due_s| self.clock_s > due_s) {
            self.log.late_frames += 1;
        }
    }

    /// Whether a real generator still works on what is in the buffer.
    pub fn is_generating(&self) -> bool {
        let measured = self.pipeline.as_ref().filter(|p| p.is_measured());
        measured.is_some_and(|pipeline| !pipeline.is_idle())
    }

    /// Plays what can be played; the clock goes on to `now_s`, or to where a stall began.
    fn play_until(&mut self, now_s: f64) {
        let (from_s, elapsed) = (self.clock_s, now_s - self.clock_s);
        let (on_rung, plays) = (&mut self.log.played_s, &mut self.log.plays);
        let played = self.buffer.play(from_s, elapsed, |step| {
            on_rung[step.rung] += step.seconds;
            if let Some(start_s) = step.began_s {
                plays.push(Play {
                    segment: step.segment,
                    rung: step.rung,
                    start_s,
                });
            }
        });
        let stopped_s = from_s + played;
        let all_here = self.next >= self.ladder.segments();
        self.clock_s = now_s;
        if all_here && self.buffer.level_s() <= 0.0 {
            self.end(stopped_s);
        } else if elapsed > played + TICK_S {
            let cause = match self.buffer.pieces().next() {
                Some(_) => Cause::Decode,
                None => Cause::Network,
            };
            self.stall(stopped_s, cause);
            if cause == Cause::Decode {
                self.clock_s = stopped_s;
            }
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
        let ready_s = self.buffer.pieces().next().map(|piece| piece.ready_s);
        match ready_s.filter(|&ready_s| ready_s <= now_s) {
            Some(ready_s) => {
                self.clock_s = self.clock_s.max(ready_s);
                self.play();
            }
            None => self.clock_s = now_s,
        }
    }

    /// A segment came: plays it, or waits on for its first frame.
    pub(super) fn arrived(&mut self) {
        let ready_s = self.buffer.pieces().next().map(|piece| piece.ready_s);
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

    /// Playback runs from now on, whatever held it up.
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
        let front = self.buffer.pieces().next();
        if let (Cause::Decode, Some(piece), Some(pipeline)) = (stall.cause, front, &self.pipeline) {
            self.log.late_frames += pipeline.late_frames(piece.segment, late_s);
        }
    }

    /// When playback goes on if nothing else comes, or now; seconds.
    pub(super) fn resumes_s(&self) -> f64 {
        let front = self.buffer.pieces().next();
        let ready_s = front.map_or(self.clock_s, |piece| piece.ready_s);
        self.clock_s.max(ready_s)
    }

    /// When the buffer will have been played, if every segment is ready in time.
    pub(super) fn plays_until_s(&self) -> f64 {
        self.resumes_s() + self.buffer.level_s()
    }

    /// The time has come at which everything should have been played.
    pub(super) fn drained(&mut self, until_s: f64) -> Command {
        let goes_on = self.plays_until_s() > self.clock_s;
        if self.pipeline.is_some() && self.buffer.level_s() > TICK_S && goes_on {
            return self.drain();
        }
        self.end(until_s)
    }

    pub(super) fn end(&mut self, at_s: f64) -> Command {
        self.state = State::Ended;
        self.log.ended_s = Some(at_s);
        Command::Done
    }
}
