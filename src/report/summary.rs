//! The summary of a session, from its log.

use super::context::Context;
use crate::player::ladder::{Ladder, Rung};
use crate::player::log::{Cause, Log, Outcome, Request};
use serde::Serialize;

/// Figures of a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Bytes of the delivered segments over their duration, kbit/s.
    pub kbps: f64,
    /// Media bytes received, wasted ones included.
    pub bytes: u64,
    /// Bytes of transfers that were abandoned, dropped, broken or given up.
    pub wasted_bytes: u64,
    /// Bytes beside media segments: manifests, indexes, init segments, as transferred.
    pub overhead_bytes: u64,
    /// Bytes of manifests.
    pub manifest_bytes: u64,
    /// Bytes of segment indexes: `sidx` boxes, or media playlists.
    pub index_bytes: u64,
    /// Bytes of generator weights; in no other figure, because they serve all later titles.
    pub weights_bytes: u64,
    /// Time from the first request to the start of the session, seconds; `None` if simulated.
    pub opening_s: Option<f64>,
    /// Time from the start of the session to the first frame, seconds.
    pub startup_s: Option<f64>,
    /// Number of stalls.
    pub stalls: usize,
    /// Total length of the stalls, seconds.
    pub stall_s: f64,
    /// Part of it spent waiting for frames of segments that had arrived, seconds.
    pub decode_stall_s: f64,
    /// Frames generated after their display time.
    pub late_frames: u64,
    /// Stalled time over stalled and played time.
    pub stall_ratio: f64,
    /// Changes of rung between delivered segments.
    pub switches: usize,
    /// Requests made.
    pub requests: usize,
    /// Transfers abandoned for a lower rung.
    pub abandoned: usize,
    /// Media played, seconds.
    pub played_s: f64,
    /// Time from the start to the end of the last frame, seconds.
    pub wall_s: Option<f64>,
}

/// The share of one rung in a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RungShare {
    /// The rung's name.
    pub id: String,
    /// The rung's rank.
    pub rank: u32,
    /// Mean rate of the rung over the whole title, kbit/s.
    pub kbps: f64,
    /// Segments delivered from it.
    pub segments: usize,
    /// Media played from it, seconds.
    pub played_s: f64,
    /// `played_s` over all media played, 0 to 1.
    pub share: f64,
}

impl Summary {
    /// The figures of `log`, a session over `ladder`.
    pub(super) fn of(ladder: &Ladder, log: &Log, context: &Context) -> Self {
        let with = |outcomes: &'static [Outcome]| {
            let requests = log.requests.iter();
            requests.filter(|request| outcomes.contains(&request.outcome))
        };
        let delivered = || with(&[Outcome::Delivered]);
        let useful = with(&[Outcome::Delivered, Outcome::Added]);
        let useful: u64 = useful.map(|request| request.bytes).sum();
        let seconds: f64 = delivered().map(|r| ladder.duration_s(r.segment)).sum();
        let bytes = log.requests.iter().map(|r| r.bytes + r.lost).sum();
        let rungs: Vec<usize> = delivered().map(|request| request.rung).collect();
        let stall_s = stalled_s(log, |_| true);
        let played_s: f64 = log.played_s.iter().sum();
        Self {
            kbps: ratio(useful as f64 / 125.0, seconds),
            bytes,
            wasted_bytes: bytes - useful,
            overhead_bytes: context.overhead.total(),
            manifest_bytes: context.overhead.manifest_bytes,
            index_bytes: context.overhead.index_bytes,
            weights_bytes: context.weights_bytes,
            opening_s: context.opening_s,
            startup_s: log.startup_s,
            stalls: log.stalls.len(),
            stall_s,
            decode_stall_s: stalled_s(log, |cause| cause == Cause::Decode),
            late_frames: log.late_frames,
            stall_ratio: ratio(stall_s, stall_s + played_s),
            switches: rungs.windows(2).filter(|pair| pair[0] != pair[1]).count(),
            requests: log.requests.len(),
            abandoned: with(&[Outcome::Abandoned]).count(),
            played_s,
            wall_s: log.ended_s,
        }
    }
}

/// Time at each rung, lowest first.
pub(super) fn shares(ladder: &Ladder, log: &Log) -> Vec<RungShare> {
    let all_s: f64 = log.played_s.iter().sum();
    let share = |(index, rung): (usize, &Rung)| {
        let here = |r: &&Request| r.rung == index && r.outcome == Outcome::Delivered;
        let played_s = log.played_s[index];
        RungShare {
            id: rung.id.clone(),
            rank: rung.rank,
            kbps: rung.kbps,
            segments: log.requests.iter().filter(here).count(),
            played_s,
            share: ratio(played_s, all_s),
        }
    };
    ladder.rungs().iter().enumerate().map(share).collect()
}

/// Total length of the stalls that ended.
fn stalled_s(log: &Log, counts: impl Fn(Cause) -> bool) -> f64 {
    let stalls = log.stalls.iter();
    let lengths = stalls
        .filter(|stall| counts(stall.cause))
        .filter_map(|stall| Some(stall.end_s? - stall.start_s));
    // Not `sum`, whose empty sum is -0.
    lengths.fold(0.0, |sum, length| sum + length)
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
