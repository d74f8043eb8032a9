//! The figures of a session, from its log.

use super::Context;
use crate::player::ladder::{Ladder, Rung};
use crate::player::log::{Cause, Log, Outcome, Request};
use serde::Serialize;

/// A session in figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Bytes of the delivered segments over their duration: the media's rate, kbit/s.
    pub kbps: f64,
    /// Every media byte received, wasted ones included.
    pub bytes: u64,
    /// Bytes of transfers that were abandoned, dropped, broken or given up.
    pub wasted_bytes: u64,
    /// Bytes beside media segments: manifests, indexes, init segments, as they came.
    pub overhead_bytes: u64,
    /// Those of the manifest.
    pub manifest_bytes: u64,
    /// Those of what lists the rungs' segments: `sidx` boxes, or media playlists.
    pub index_bytes: u64,
    /// Bytes of a generator's weights that were fetched, counted nowhere else: they serve every title
    /// from then on.
    pub weights_bytes: u64,
    /// From the first request until the session began, seconds; `null` when simulated.
    pub opening_s: Option<f64>,
    /// From the start of the session to the first frame, seconds.
    pub startup_s: Option<f64>,
    /// How often the buffer ran dry.
    pub stalls: usize,
    /// How long in all, seconds.
    pub stall_s: f64,
    /// How much of that was waiting for frames that were not generated, though their segment was here.
    pub decode_stall_s: f64,
    /// Frames that were generated after their time.
    pub late_frames: u64,
    /// Stalled time over stalled and played time.
    pub stall_ratio: f64,
    /// How often the rung changed from one delivered segment to the next.
    pub switches: usize,
    /// Requests made.
    pub requests: usize,
    /// Transfers abandoned for a lower rung.
    pub abandoned: usize,
    /// Media played, seconds.
    pub played_s: f64,
    /// From the start to the last frame's end, seconds.
    pub wall_s: Option<f64>,
}

/// How much of a session one rung was.
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
    /// That over all media played, 0 to 1.
    pub share: f64,
}

impl Summary {
    /// The figures of `log`, a session over `ladder`, with the bytes beside media that `context` has.
    pub(super) fn of(ladder: &Ladder, log: &Log, context: &Context) -> Self {
        let delivered = || {
            log.requests
                .iter()
                .filter(|r| r.outcome == Outcome::Delivered)
        };
        let useful = log
            .requests
            .iter()
            .filter(|r| matches!(r.outcome, Outcome::Delivered | Outcome::Added));
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
            abandoned: log
                .requests
                .iter()
                .filter(|r| r.outcome == Outcome::Abandoned)
                .count(),
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

/// Stalls that ended; one that never did has no length.
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
