//! Quality of experience: what a session was worth, by every family of figures in use.
//!
//! | figure | definition |
//! |---|---|
//! | `qoe_lin` | Mbit/s − 4.3·stall seconds − change in Mbit/s, mean a segment (Pensieve, SIGCOMM 2017, §5.1) |
//! | `qoe_log` | ln(rate / lowest) − 2.66·stall − change of that (the same) |
//! | `qoe_hd` | 1, 2, 3, 12, 15, 20 for the six rungs − 8·stall − change (the same); only for six rungs |
//! | `score`, `utility`, … | as Sabre prints them: means over chunk lengths of play time |
//! | `ssim_db` | −10·log10(1 − SSIM), at most 60 dB (Puffer, NSDI 2020); `qoe_ssim_db` takes off the change and 20 a stall second |
//! | `lpips_squeeze` | mean, 95th percentile and shares over thresholds, by time |
//!
//! The first segment is left out of the QoE means, as their authors do: its wait is the start-up.
//! Rates are the rungs' nominal ones. LPIPS is by segment, from the title's table, SqueezeNet only;
//! stalled time and segments that never came count as [`WORST_LPIPS`]. Measured figures are absent
//! where nothing was measured.

mod p1203;
mod reaction;
mod timeline;

pub use p1203::p1203;
pub use timeline::{Played, Timeline};

use super::oracle::Optimum;
use crate::manifest::{Metrics, QualityReport};
use crate::network::link::Link;
use crate::player::ladder::Ladder;
use serde::Serialize;

/// What a stalled or missing picture counts as.
pub const WORST_LPIPS: f64 = 1.0;
/// Shares of time are counted over these by default.
pub const LPIPS_THRESHOLDS: [f64; 3] = [0.1, 0.2, 0.3];

const LIN_STALL: f64 = 4.3;
const LOG_STALL: f64 = 2.66;
const HD_STALL: f64 = 8.0;
const HD: [f64; 6] = [1.0, 2.0, 3.0, 12.0, 15.0, 20.0];
const SSIM_STALL: f64 = 20.0;
const SSIM_DB_MOST: f64 = 60.0;
/// Sabre's weight of a stall, in utility a chunk of stall.
const GAMMA_P: f64 = 5.0;

/// What a session was worth.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Figures {
    /// From the start to the first frame, seconds.
    pub startup_s: f64,
    /// How often the buffer ran dry.
    pub stalls: usize,
    /// How long in all, seconds.
    pub stall_s: f64,
    /// Stalled time over play time, the start-up included in neither.
    pub stall_ratio: f64,
    /// Changes of rung between segments.
    pub switches: usize,
    /// Nominal rate of what was played, mean over time, kbit/s.
    pub played_kbps: f64,
    /// Bytes received.
    pub bytes: u64,
    /// Bytes received and not played.
    pub wasted_bytes: u64,
    /// Requests, and those of them that were abandoned.
    pub requests: usize,
    /// Requests dropped for another rung.
    pub abandoned: usize,
    /// See the module's table.
    pub qoe_lin: f64,
    /// See the module's table.
    pub qoe_log: f64,
    /// See the module's table.
    pub qoe_hd: Option<f64>,
    /// Best QoE_lin that any choice of rungs could have had, trace known.
    pub oracle_qoe_lin: Option<f64>,
    /// No choice could have had more; the same where the best is proved.
    pub oracle_at_most: Option<f64>,
    /// How far below it the session stayed.
    pub oracle_gap: Option<f64>,
    /// Sabre's "total play time", seconds: start-up, play and stalls.
    pub play_time_s: f64,
    /// Sabre's "time average played utility".
    pub utility: f64,
    /// Sabre's "time average played bitrate", kbit/s.
    pub bitrate: f64,
    /// Sabre's "time average rebuffer", seconds a chunk.
    pub rebuffer: f64,
    /// Sabre's "time average rebuffer events".
    pub rebuffer_events: f64,
    /// Sabre's "time average bitrate change", kbit/s a chunk.
    pub bitrate_change: f64,
    /// Sabre's "time average log bitrate change".
    pub log_bitrate_change: f64,
    /// Sabre's "time average score".
    pub score: f64,
    /// How often the throughput was estimated too high.
    pub over_estimates: usize,
    /// By how much in the mean, kbit/s.
    pub over_estimate_kbps: f64,
    /// How often it was not.
    pub leq_estimates: usize,
    /// By how much it was too low in the mean, kbit/s.
    pub leq_estimate_kbps: f64,
    /// Mean of estimate minus measurement, kbit/s.
    pub estimate_kbps: f64,
    /// Until a segment played that the network sustains, seconds.
    pub rampup_s: f64,
    /// Sum of the times until a better network was seen, seconds.
    pub reaction_s: f64,
    /// Mean SSIM in decibels.
    pub ssim_db: Option<f64>,
    /// Mean change of it from segment to segment.
    pub ssim_db_change: Option<f64>,
    /// See the module's table.
    pub qoe_ssim_db: Option<f64>,
    /// Mean LPIPS (SqueezeNet) over time.
    pub lpips_squeeze: Option<f64>,
    /// Its 95th percentile over time.
    pub lpips_squeeze_p95: Option<f64>,
    /// Shares of time over each threshold.
    pub lpips_squeeze_over: Vec<f64>,
}

/// What is needed beside the session.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// What was played.
    pub ladder: &'a Ladder,
    /// What was measured of it.
    pub quality: Option<&'a QualityReport>,
    /// The network.
    pub link: &'a Link,
    /// Media that the buffer may hold, seconds.
    pub buffer_s: f64,
    /// Shares of time are counted over these.
    pub thresholds: &'a [f64],
}

impl Figures {
    /// The figures of a session.
    pub fn of(timeline: &Timeline, setting: &Setting<'_>) -> Self {
        let mut figures = Self::default();
        figures.viewing(timeline, setting.ladder);
        figures.families(timeline, setting.ladder);
        figures.as_sabre(timeline, setting.ladder);
        figures.estimates(timeline);
        figures.measured(timeline, setting);
        let (rampup_s, reaction_s) = reaction::times(timeline, setting);
        (figures.rampup_s, figures.reaction_s) = (rampup_s, reaction_s);
        figures
    }

    /// The figures beside what an oracle would have had.
    #[must_use]
    pub fn beside_oracle(mut self, optimum: Optimum) -> Self {
        // A session may fetch a segment twice, which the oracle does not.
        let best = optimum.qoe_lin.max(self.qoe_lin);
        self.oracle_qoe_lin = Some(best);
        self.oracle_at_most = optimum.at_most.map(|at_most| at_most.max(best));
        self.oracle_gap = Some(best - self.qoe_lin);
        self
    }

    fn viewing(&mut self, timeline: &Timeline, ladder: &Ladder) {
        let played = &timeline.played;
        let played_s = timeline.played_s();
        self.startup_s = timeline.startup_s;
        self.stalls = played.iter().filter(|p| p.stall_s > 0.0).count();
        self.stall_s = sum(played.iter().map(|p| p.stall_s));
        self.stall_ratio = ratio(self.stall_s, self.stall_s + played_s);
        self.switches = played.windows(2).filter(|p| p[0].rung != p[1].rung).count();
        let bits = sum(played
            .iter()
            .map(|p| ladder.rungs()[p.rung].kbps * p.duration_s));
        self.played_kbps = ratio(bits, played_s);
        self.bytes = timeline.bytes;
        self.wasted_bytes = timeline.wasted_bytes;
        self.requests = timeline.requests;
        self.abandoned = timeline.abandoned;
    }

    fn families(&mut self, timeline: &Timeline, ladder: &Ladder) {
        let rungs = ladder.rungs();
        self.qoe_lin = family(timeline, LIN_STALL, |rung| rungs[rung].kbps / 1000.0);
        self.qoe_log = family(timeline, LOG_STALL, |rung| {
            (rungs[rung].kbps / rungs[0].kbps).ln()
        });
        let six = rungs.len() == HD.len();
        self.qoe_hd = six.then(|| family(timeline, HD_STALL, |rung| HD[rung]));
    }

    fn as_sabre(&mut self, timeline: &Timeline, ladder: &Ladder) {
        let rungs = ladder.rungs();
        self.play_time_s = self.startup_s + timeline.played_s() + self.stall_s;
        let a_chunk = ratio(ladder.mean_duration_s(), self.play_time_s);
        let log = |rung: usize| (rungs[rung].kbps / rungs[0].kbps).ln();
        let changes = |value: &dyn Fn(usize) -> f64| {
            let pairs = timeline.played.windows(2);
            sum(pairs.map(|p| (value(p[1].rung) - value(p[0].rung)).abs()))
        };
        let utility = sum(timeline.played.iter().map(|p| log(p.rung)));
        let stalled_chunks = self.stall_s / ladder.mean_duration_s();
        self.utility = utility * a_chunk;
        self.bitrate = sum(timeline.played.iter().map(|p| rungs[p.rung].kbps)) * a_chunk;
        self.rebuffer = self.stall_s * a_chunk;
        self.rebuffer_events = self.stalls as f64 * a_chunk;
        self.bitrate_change = changes(&|rung| rungs[rung].kbps) * a_chunk;
        self.log_bitrate_change = changes(&log) * a_chunk;
        self.score = (utility - GAMMA_P * stalled_chunks) * a_chunk;
    }

    fn estimates(&mut self, timeline: &Timeline) {
        let errors = || {
            timeline
                .estimates
                .iter()
                .map(|(estimate, found)| estimate - found)
        };
        let (over, leq) = (|e: &f64| *e > 0.0, |e: &f64| *e <= 0.0);
        self.over_estimates = errors().filter(over).count();
        self.leq_estimates = errors().filter(leq).count();
        let mean = |total: f64, count: usize| ratio(total, count as f64);
        self.over_estimate_kbps = mean(sum(errors().filter(over)), self.over_estimates);
        self.leq_estimate_kbps = mean(-sum(errors().filter(leq)), self.leq_estimates);
        self.estimate_kbps = mean(sum(errors()), timeline.estimates.len());
    }

    fn measured(&mut self, timeline: &Timeline, setting: &Setting<'_>) {
        let Some(report) = setting.quality else {
            return;
        };
        let metrics = |p: &Played| -> Option<Metrics> {
            let rung = report.rungs.get(p.rung)?;
            Some(rung.segments.get(p.segment)?.metrics)
        };
        let all = |value: &dyn Fn(Metrics) -> Option<f64>| -> Option<Vec<f64>> {
            timeline.played.iter().map(|p| value(metrics(p)?)).collect()
        };
        if let Some(lpips) = all(&|metrics| metrics.lpips_squeeze) {
            let samples = timeline.played.iter().zip(&lpips);
            let mut samples: Vec<(f64, f64)> = samples.map(|(p, &l)| (l, p.duration_s)).collect();
            samples.push((WORST_LPIPS, self.stall_s + timeline.missing_s));
            let over = |&limit: &f64| share_over(&samples, limit);
            self.lpips_squeeze_over = setting.thresholds.iter().map(over).collect();
            self.lpips_squeeze = Some(weighted_mean(&samples));
            self.lpips_squeeze_p95 = Some(weighted_quantile(&mut samples, 0.95));
        }
        let decibel = |ssim: f64| (-10.0 * (1.0 - ssim).log10()).clamp(0.0, SSIM_DB_MOST);
        if let Some(ssim_db) = all(&|metrics| metrics.ssim.map(decibel)) {
            let changes = ssim_db.windows(2).map(|pair| (pair[1] - pair[0]).abs());
            let change = ratio(sum(changes), ssim_db.len().saturating_sub(1) as f64);
            let mean = ratio(sum(ssim_db.iter().copied()), ssim_db.len() as f64);
            let stall = ratio(self.stall_s, ssim_db.len() as f64);
            self.ssim_db = Some(mean);
            self.ssim_db_change = Some(change);
            self.qoe_ssim_db = Some(mean - change - SSIM_STALL * stall);
        }
    }
}

/// Quality − stalls − changes, mean over all segments but the first.
fn family(timeline: &Timeline, stall: f64, quality: impl Fn(usize) -> f64) -> f64 {
    let played = &timeline.played;
    if let [only] = played.as_slice() {
        return quality(only.rung);
    }
    let worth = played.windows(2).map(|pair| {
        let (before, now) = (quality(pair[0].rung), quality(pair[1].rung));
        now - stall * pair[1].stall_s - (now - before).abs()
    });
    ratio(sum(worth), played.len().saturating_sub(1) as f64)
}

/// Not `Iterator::sum`, whose empty sum is −0.
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |sum, value| sum + value)
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn weighted_mean(samples: &[(f64, f64)]) -> f64 {
    let weight = sum(samples.iter().map(|sample| sample.1));
    ratio(
        sum(samples.iter().map(|(value, weight)| value * weight)),
        weight,
    )
}

fn share_over(samples: &[(f64, f64)], limit: f64) -> f64 {
    let weight = sum(samples.iter().map(|sample| sample.1));
    let over = samples.iter().filter(|sample| sample.0 > limit);
    ratio(sum(over.map(|sample| sample.1)), weight)
}

/// The least value that at least `quantile` of the weight does not exceed.
fn weighted_quantile(samples: &mut [(f64, f64)], quantile: f64) -> f64 {
    samples.sort_by(|a, b| a.0.total_cmp(&b.0));
    let aim = quantile * sum(samples.iter().map(|sample| sample.1));
    let mut below = 0.0;
    for &(value, weight) in samples.iter() {
        below += weight;
        if weight > 0.0 && below >= aim {
            return value;
        }
    }
    samples.last().map_or(0.0, |sample| sample.0)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
