//! A session as the viewer sees it: segments on the screen, stalls, bytes. Independent of the simulator.

use crate::player::ladder::Ladder;
use crate::player::log::{Log, Outcome, Request};
use crate::simulate::statistics::sum;

/// Gaps below this are rounding errors, seconds.
pub const TICK_S: f64 = 1e-6;

/// One segment on the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Played {
    /// Segment number.
    pub segment: usize,
    /// The rung shown.
    pub rung: usize,
    /// The rung of the first arrival: lower than `rung` after an upgrade or with layers.
    pub arrived_rung: usize,
    /// First arrival, seconds of the session clock.
    pub arrived_s: f64,
    /// Display of the first frame, seconds of the session clock.
    pub begins_s: f64,
    /// Length of the stall before it, seconds; 0 for the first segment.
    pub stall_s: f64,
    /// Duration on the screen, seconds.
    pub duration_s: f64,
}

/// The segments shown, and the cost of fetching them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    /// Segments in display order.
    pub played: Vec<Played>,
    /// Time from the start to the first frame, seconds.
    pub startup_s: f64,
    /// Media never delivered, seconds.
    pub missing_s: f64,
    /// Bytes received.
    pub bytes: u64,
    /// Bytes received but not shown.
    pub wasted_bytes: u64,
    /// Requests made.
    pub requests: usize,
    /// Requests abandoned for another rung.
    pub abandoned: usize,
    /// Estimated and measured throughput of each request but the first, kbit/s.
    pub estimates: Vec<(f64, f64)>,
}

impl Timeline {
    /// The timeline of `log`, a session over `ladder` from media time `start_s` without seeks.
    pub fn of_log(log: &Log, ladder: &Ladder, start_s: f64) -> Self {
        let duration_s = |segment: usize| {
            let begins_s = ladder.start_s(segment).max(start_s);
            ladder.start_s(segment + 1) - begins_s
        };
        let mut timeline = Self {
            played: Vec::with_capacity(log.plays.len()),
            ..Self::default()
        };
        let mut arrivals = vec![None; ladder.segments()];
        for request in &log.requests {
            timeline.count(request);
            // Whole segments; a layer is no arrival.
            if matches!(request.outcome, Outcome::Delivered | Outcome::Replaced) {
                let arrival = request.ended_s.map(|at_s| (at_s, request.rung));
                arrivals[request.segment] = arrivals[request.segment].or(arrival);
            }
        }
        let mut free_s = None;
        for play in &log.plays {
            let late_s = play.start_s - free_s.unwrap_or(play.start_s);
            let duration_s = duration_s(play.segment);
            let arrival = arrivals[play.segment];
            let (arrived_s, arrived_rung) = arrival.unwrap_or((play.start_s, play.rung));
            timeline.played.push(Played {
                segment: play.segment,
                rung: play.rung,
                arrived_rung,
                arrived_s,
                begins_s: play.start_s,
                stall_s: if late_s > TICK_S { late_s } else { 0.0 },
                duration_s,
            });
            free_s = Some(play.start_s + duration_s);
        }
        let last = timeline.played.last();
        let next = last.map_or(ladder.segment_at(start_s), |last| last.segment + 1);
        timeline.missing_s = (next..ladder.segments()).map(duration_s).sum();
        timeline.startup_s = timeline.played.first().map_or(0.0, |first| first.begins_s);
        timeline
    }

    fn count(&mut self, request: &Request) {
        self.requests += 1;
        self.bytes += request.bytes + request.lost;
        self.wasted_bytes += request.lost;
        match request.outcome {
            Outcome::Delivered | Outcome::Added => {}
            Outcome::Abandoned => {
                self.abandoned += 1;
                self.wasted_bytes += request.bytes;
            }
            _ => self.wasted_bytes += request.bytes,
        }
        self.estimates.extend(estimate(request));
    }

    /// Media shown, seconds.
    pub fn played_s(&self) -> f64 {
        sum(self.played.iter().map(|played| played.duration_s))
    }
}

/// Estimated and measured throughput of a request, kbit/s.
fn estimate(request: &Request) -> Option<(f64, f64)> {
    let flowed_s = request.ended_s? - request.first_byte_s?;
    let found = request.bytes as f64 * 8.0 / 1000.0 / flowed_s;
    Some((request.throughput_kbps?, found)).filter(|_| found.is_finite())
}
