//! A session as the viewer saw it, whoever simulated it.

use crate::player::ladder::Ladder;
use crate::player::log::{Log, Outcome, Request};
use crate::simulate::compat::sabre::record::Decisions;
use crate::simulate::movie::Movie;

/// Shorter gaps than this are rounding, seconds.
const TICK_S: f64 = 1e-6;

/// One segment on the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Played {
    /// Segment number.
    pub segment: usize,
    /// The rung that it was shown from.
    pub rung: usize,
    /// The rung that was there first: below it where the segment was fetched again or got layers.
    pub arrived_rung: usize,
    /// When it was first there, seconds of the session clock.
    pub arrived_s: f64,
    /// When its first frame was shown.
    pub begins_s: f64,
    /// How long the screen had stood still before it; 0 for the first.
    pub stall_s: f64,
    /// How long it lasted.
    pub duration_s: f64,
}

/// What the viewer saw and what it took.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    /// Segments in the order shown.
    pub played: Vec<Played>,
    /// From the start to the first frame, seconds.
    pub startup_s: f64,
    /// Media that never came, seconds.
    pub missing_s: f64,
    /// Bytes received.
    pub bytes: u64,
    /// Bytes received and not shown.
    pub wasted_bytes: u64,
    /// Requests made.
    pub requests: usize,
    /// Requests dropped for another rung.
    pub abandoned: usize,
    /// Estimated and measured throughput of each request but the first, kbit/s.
    pub estimates: Vec<(f64, f64)>,
}

/// A whole segment that arrived.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    segment: usize,
    rung: usize,
    at_s: f64,
    bytes: u64,
}

impl Timeline {
    /// The session of `log` over `ladder`, begun at media time `start_s`, without seeks.
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
            if whole(request) {
                let arrival = request.ended_s.map(|at_s| (at_s, request.rung));
                arrivals[request.segment] = arrivals[request.segment].or(arrival);
            }
        }
        let mut free_s = None;
        for play in &log.plays {
            let late_s = play.start_s - free_s.unwrap_or(play.start_s);
            let duration_s = duration_s(play.segment);
            let (arrived_s, arrived_rung) =
                arrivals[play.segment].unwrap_or((play.start_s, play.rung));
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

    /// A reproduced Sabre session; without seeks.
    pub fn of_sabre(decisions: &Decisions, movie: &Movie) -> Self {
        let rows = 0..decisions.segment.len();
        let bytes_of = |row: usize| (decisions.downloaded_bits[row] / 8.0).ceil() as u64;
        let whole = rows
            .clone()
            .filter(|&row| decisions.abandon_to[row].is_none());
        let arrivals: Vec<Arrival> = whole
            .filter_map(|row| {
                Some(Arrival {
                    segment: usize::try_from(decisions.segment[row]).ok()?,
                    rung: decisions.quality[row],
                    at_s: decisions.network_clock_ms[row] / 1000.0,
                    bytes: bytes_of(row),
                })
            })
            .collect();
        let duration_s = movie.segment_ms() / 1000.0;
        let bytes = rows.clone().map(bytes_of).sum();
        let mut timeline = Self::of_arrivals(&arrivals, bytes, |_| duration_s);
        timeline.requests = rows.len();
        timeline.abandoned = rows.len() - arrivals.len();
        timeline.estimates = rows
            .skip(1)
            .map(|row| {
                let flowed_ms = decisions.time_ms[row] - decisions.ttfb_ms[row];
                let found = decisions.downloaded_bits[row] / flowed_ms;
                (decisions.est_throughput_kbps[row - 1], found)
            })
            .collect();
        timeline
    }

    /// Media shown, seconds.
    pub fn played_s(&self) -> f64 {
        super::sum(self.played.iter().map(|played| played.duration_s))
    }

    /// A segment begins when the one before has ended and it is there; of several arrivals the
    /// last one in time is shown.
    fn of_arrivals(arrivals: &[Arrival], bytes: u64, duration_s: impl Fn(usize) -> f64) -> Self {
        let mut timeline = Self {
            bytes,
            ..Self::default()
        };
        let mut firsts: Vec<&Arrival> = arrivals.iter().collect();
        // Stable: of equal segments the earliest stays first.
        firsts.sort_by_key(|arrival| arrival.segment);
        let mut free_s = None;
        let mut useful = 0;
        for same in firsts.chunk_by(|a, b| a.segment == b.segment) {
            let first = same[0];
            let due_s = free_s.unwrap_or(first.at_s);
            let late_s = first.at_s - due_s;
            let stall_s = if late_s > TICK_S { late_s } else { 0.0 };
            let begins_s = due_s + stall_s;
            let in_time = same.iter().rev().find(|a| a.at_s <= begins_s + TICK_S);
            let shown = in_time.unwrap_or(&same[0]);
            useful += shown.bytes;
            let duration_s = duration_s(first.segment);
            timeline.played.push(Played {
                segment: first.segment,
                rung: shown.rung,
                arrived_rung: first.rung,
                arrived_s: first.at_s,
                begins_s,
                stall_s,
                duration_s,
            });
            free_s = Some(begins_s + duration_s);
        }
        timeline.startup_s = timeline.played.first().map_or(0.0, |first| first.begins_s);
        timeline.wasted_bytes = bytes.saturating_sub(useful);
        timeline
    }
}

/// Whether the request brought a segment that could be shown.
fn whole(request: &Request) -> bool {
    matches!(request.outcome, Outcome::Delivered | Outcome::Replaced)
}

/// What was estimated before a request and what it gave.
fn estimate(request: &Request) -> Option<(f64, f64)> {
    let flowed_s = request.ended_s? - request.first_byte_s?;
    let found = request.bytes as f64 * 8.0 / 1000.0 / flowed_s;
    Some((request.throughput_kbps?, found)).filter(|_| found.is_finite())
}
