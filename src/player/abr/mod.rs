//! Adaptive bitrate rules ([`Abr`]): which rung the next segment comes from.
//!
//! A rule maps a [`View`] of the session to a [`Choice`] and is notified of the outcome. Rules keep
//! their own state, draw random numbers only from a seed and read no clock: equal histories give equal
//! choices. Overrides common to all rules are in [`super::guards`]; titles in layers have a rule of their
//! own (`layers`).
//!
//! To add a rule: implement [`Rule`] in a file of its own with unit tests on the helpers below; add it to
//! [`Abr`], its names and `build` (`name`), to the help of `--abr` (`cli::session_args`) and to the list
//! of the watch page (`static/player/choices.js`). Tests over all rules (`tests/session`,
//! `tests/simulator.rs`, `tests/traces.rs`) take it from `Abr::all`. Then run
//! `PROMPTUS_UPDATE_DOCS=1 cargo test --release --test commands`, which writes the command reference, and
//! `tools/web/build.sh`, as the page's module contains the rules.
//!
//! A rule outside the crate is an [`OwnRule`](super::session::OwnRule):
//! [`Setup`](crate::playback::Setup) takes it over HTTP, a simulated
//! [`Grid`](crate::simulate::grid::Grid) by `Player::rule`, and
//! [`Session::with_rule`](super::session::Session::with_rule) in a driver of one's own.

mod bba;
mod bola;
mod bola_e;
mod dynamic;
mod festive;
mod l2a;
pub(super) mod layers;
mod lol_plus;
mod name;
mod plan;
mod robust_mpc;
mod stochastic_mpc;
mod throughput;

pub use name::Abr;

use super::ladder::Ladder;
use std::fmt;

/// The state of the session that a rule may use.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The rungs to choose from.
    pub ladder: &'a Ladder,
    /// The segment to choose a rung for.
    pub segment: usize,
    /// Segments delivered since the start or the last seek.
    pub since_start: usize,
    /// Media in the buffer, seconds.
    pub buffer_s: f64,
    /// Buffer target, seconds.
    pub buffer_target_s: f64,
    /// Estimated throughput in kbit/s, `None` before the first transfer.
    pub throughput_kbps: Option<f64>,
    /// Estimated delay from request to first byte, seconds.
    pub latency_s: f64,
    /// The rung of the last delivered segment.
    pub last_rung: Option<usize>,
}

impl View<'_> {
    /// Duration of the segment, seconds.
    pub fn duration_s(&self) -> f64 {
        self.ladder.duration_s(self.segment)
    }
}

/// A rule's decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// The rung to fetch from.
    pub rung: usize,
    /// Delay of the request, seconds, 0 or more.
    pub wait_s: f64,
    /// Name of the deciding rule, for the log: `dynamic` names the rule that it followed.
    pub by: &'static str,
}

impl Choice {
    /// `rung`, requested at once.
    pub fn now(rung: usize, by: &'static str) -> Self {
        let wait_s = 0.0;
        Self { rung, wait_s, by }
    }
}

/// A completed request.
#[derive(Debug, Clone, Copy)]
pub struct Delivery {
    /// The segment that was fetched.
    pub segment: usize,
    /// The rung that it came from.
    pub rung: usize,
    /// Whether the segment was buffered already and was upgraded.
    pub again: bool,
    /// Bytes of the body.
    pub bytes: u64,
    /// From the request to its last byte, seconds.
    pub took_s: f64,
    /// From the request to its first byte, seconds.
    pub latency_s: f64,
    /// Media in the buffer when the request was made, seconds.
    pub buffer_before_s: f64,
    /// Media in the buffer now, the new segment included, seconds.
    pub buffer_after_s: f64,
}

impl Delivery {
    /// Throughput from the first byte to the last, kbit/s.
    pub fn kbps(&self) -> f64 {
        // A body that arrives in a single read has no measurable duration.
        super::kbps(self.bytes as f64, (self.took_s - self.latency_s).max(0.001))
    }
}

/// An ABR rule. Only [`Rule::choose`] is required; the other methods notify rules that keep state.
pub trait Rule: fmt::Debug + Send {
    /// Chooses the rung of `view.segment`; may be called more than once for a segment.
    fn choose(&mut self, view: &View<'_>) -> Choice;

    /// The guards replaced the choice by `rung`.
    fn overruled(&mut self, _view: &View<'_>, _rung: usize) {}

    /// The session waited for `seconds` because the buffer was full.
    fn idled(&mut self, _seconds: f64) {}

    /// A segment arrived.
    fn delivered(&mut self, _delivery: &Delivery) {}

    /// A transfer was abandoned for `rung`, with `buffer_s` seconds in the buffer.
    fn abandoned(&mut self, _rung: usize, _buffer_s: f64) {}

    /// The buffer ran dry, or a seek emptied it.
    fn emptied(&mut self) {}
}

/// The rung with the highest score; of equal ones the lowest.
fn highest(ladder: &Ladder, score: impl Fn(usize) -> f64) -> usize {
    let (mut best, mut most) = (0, score(0));
    for rung in 1..=ladder.top() {
        let value = score(rung);
        if value > most {
            (best, most) = (rung, value);
        }
    }
    best
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Segment 5 of a session without latency, 25 s of target, nothing measured yet.
    pub(crate) fn view(ladder: &Ladder) -> View<'_> {
        View {
            ladder,
            segment: 5,
            since_start: 5,
            buffer_s: 0.0,
            buffer_target_s: 25.0,
            throughput_kbps: None,
            latency_s: 0.0,
            last_rung: None,
        }
    }

    /// [`view`] with `buffer_s` in the buffer, an estimate of `kbps`, after a segment of rung `last`.
    pub(crate) fn at(ladder: &Ladder, buffer_s: f64, kbps: f64, last: usize) -> View<'_> {
        View {
            buffer_s,
            throughput_kbps: Some(kbps),
            last_rung: Some(last),
            ..view(ladder)
        }
    }

    /// The last of 50 segments, with `buffer_s` in the buffer, after a segment of rung 1.
    pub(crate) fn last_segment(ladder: &Ladder, buffer_s: f64) -> View<'_> {
        View {
            segment: 49,
            ..at(ladder, buffer_s, 1.0, 1)
        }
    }

    /// A delivery of segment 4 from `rung` of `ladder` in `took_s`, with `buffer_s` before it.
    pub(crate) fn delivery(ladder: &Ladder, rung: usize, took_s: f64, buffer_s: f64) -> Delivery {
        Delivery {
            segment: 4,
            rung,
            again: false,
            bytes: ladder.size(4, rung),
            took_s,
            latency_s: 0.0,
            buffer_before_s: buffer_s,
            buffer_after_s: (buffer_s - took_s).max(0.0) + ladder.duration_s(4),
        }
    }
}
