//! Quality of experience (QoE): the figures of a session.
//!
//! | figure | definition |
//! |---|---|
//! | `qoe_lin` | Mbit/s − 4.3·stall seconds − change in Mbit/s, mean per segment (Pensieve, SIGCOMM 2017, §5.1) |
//! | `qoe_log` | ln(rate / lowest) − 2.66·stall seconds − change of it (ibid.) |
//! | `qoe_hd` | 1, 2, 3, 12, 15, 20 for the six rungs − 8·stall seconds − change of it (ibid.); ladders of six rungs only |
//! | `ssim_db` | −10·log10(1 − SSIM), at most 60 dB (Puffer, NSDI 2020); `qoe_ssim_db` subtracts the change and 20 per stall second |
//! | `lpips_squeeze` | mean, 95th percentile and shares of time over thresholds |
//!
//! The QoE means leave the first segment out, as their authors do: its wait is the start-up. Rates are
//! the rungs' nominal ones. LPIPS (SqueezeNet) is per segment, from the title's table; stalled time and
//! missing segments count as [`WORST_LPIPS`]. Measured figures are `None` without measurements.

mod p1203;
mod timeline;

pub use p1203::p1203;
pub use timeline::{Played, TICK_S, Timeline};

use super::statistics::{ratio, share_over, sum, weighted_mean, weighted_quantile};
use crate::manifest::{Metrics, QualityReport};
use crate::network::link::Link;
use crate::player::ladder::Ladder;
use crate::player::utility::ssim_db;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;

/// LPIPS of a stalled or missing picture.
pub const WORST_LPIPS: f64 = 1.0;
/// Default thresholds of the shares of time over an LPIPS.
pub const LPIPS_THRESHOLDS: [f64; 3] = [0.1, 0.2, 0.3];

/// Penalty of a stalled second in `qoe_lin`, Mbit/s.
pub(crate) const LIN_STALL: f64 = 4.3;
const LOG_STALL: f64 = 2.66;
const HD_STALL: f64 = 8.0;
const HD: [f64; 6] = [1.0, 2.0, 3.0, 12.0, 15.0, 20.0];
const SSIM_STALL: f64 = 20.0;

/// The figures of a session.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[allow(missing_docs, reason = "the module's table defines the others")]
pub struct Figures {
    /// Time from the start to the first frame, seconds.
    pub startup_s: f64,
    /// Number of stalls.
    pub stalls: usize,
    /// Total length of the stalls, seconds.
    pub stall_s: f64,
    /// Stalled time over play time, both without the start-up.
    pub stall_ratio: f64,
    /// Changes of rung between segments.
    pub switches: usize,
    /// Nominal rate of the segments played, mean over time, kbit/s.
    pub played_kbps: f64,
    /// Bytes received.
    pub bytes: u64,
    /// Bytes received but not played.
    pub wasted_bytes: u64,
    /// Requests, abandoned ones included.
    pub requests: usize,
    /// Requests abandoned for another rung.
    pub abandoned: usize,
    pub qoe_lin: f64,
    pub qoe_log: f64,
    pub qoe_hd: Option<f64>,
    /// QoE_lin of the best known choice of rungs, see [`super::oracle`].
    pub oracle_qoe_lin: Option<f64>,
    /// Upper bound of QoE_lin over all choices; equal to the best where that is proved optimal.
    pub oracle_at_most: Option<f64>,
    /// Distance of the session from the best.
    pub oracle_gap: Option<f64>,
    /// Mean SSIM, dB.
    pub ssim_db: Option<f64>,
    /// Mean change of the SSIM between segments, dB.
    pub ssim_db_change: Option<f64>,
    pub qoe_ssim_db: Option<f64>,
    /// Mean LPIPS (SqueezeNet) over time.
    pub lpips_squeeze: Option<f64>,
    /// Its 95th percentile over time.
    pub lpips_squeeze_p95: Option<f64>,
    /// Shares of time over each threshold.
    pub lpips_squeeze_over: Vec<f64>,
    /// Figures of [`Setting::extra`], by name.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Further figures of a session, by name; numbers only.
pub type ExtraFigures = fn(&Timeline, &Setting<'_>) -> Map<String, Value>;

/// Inputs of the figures beside the session.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The ladder played.
    pub ladder: &'a Ladder,
    /// Its measured quality.
    pub quality: Option<&'a QualityReport>,
    /// The network.
    pub link: &'a Link,
    /// Buffer target, seconds.
    pub buffer_s: f64,
    /// LPIPS thresholds of the shares of time.
    pub thresholds: &'a [f64],
    /// Figures to add, such as those of another simulator.
    pub extra: Option<ExtraFigures>,
}

impl Figures {
    /// The figures of a session.
    pub fn of(timeline: &Timeline, setting: &Setting<'_>) -> Self {
        let mut figures = Self::default();
        figures.viewing(timeline, setting.ladder);
        figures.families(timeline, setting.ladder);
        figures.measured(timeline, setting);
        if let Some(extra) = setting.extra {
            figures.extra = extra(timeline, setting);
        }
        figures
    }

    /// A number of [`Self::extra`].
    pub fn extra(&self, name: &str) -> Option<f64> {
        self.extra.get(name)?.as_f64()
    }

    fn viewing(&mut self, timeline: &Timeline, ladder: &Ladder) {
        let played = &timeline.played;
        let played_s = timeline.played_s();
        self.startup_s = timeline.startup_s;
        self.stalls = played.iter().filter(|p| p.stall_s > 0.0).count();
        self.stall_s = sum(played.iter().map(|p| p.stall_s));
        self.stall_ratio = ratio(self.stall_s, self.stall_s + played_s);
        self.switches = played.windows(2).filter(|p| p[0].rung != p[1].rung).count();
        let kbps = |p: &Played| ladder.rungs()[p.rung].kbps * p.duration_s;
        let bits = sum(played.iter().map(kbps));
        self.played_kbps = ratio(bits, played_s);
        self.bytes = timeline.bytes;
        self.wasted_bytes = timeline.wasted_bytes;
        self.requests = timeline.requests;
        self.abandoned = timeline.abandoned;
    }

    fn families(&mut self, timeline: &Timeline, ladder: &Ladder) {
        let rungs = ladder.rungs();
        self.qoe_lin = family(timeline, LIN_STALL, |rung| rungs[rung].kbps / 1000.0);
        let log = |rung: usize| (rungs[rung].kbps / rungs[0].kbps).ln();
        self.qoe_log = family(timeline, LOG_STALL, log);
        let six = rungs.len() == HD.len();
        self.qoe_hd = six.then(|| family(timeline, HD_STALL, |rung| HD[rung]));
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
        if let Some(ssim_db) = all(&|metrics| metrics.ssim.map(ssim_db)) {
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

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lin, log) = (self.qoe_lin, self.qoe_log);
        write!(f, "QoE_lin {lin:.4}, QoE_log {log:.4}")?;
        if let Some(score) = self.extra("score") {
            write!(f, ", Sabre score {score:.4}")?;
        }
        if let (Some(best), Some(gap)) = (self.oracle_qoe_lin, self.oracle_gap) {
            write!(f, "; oracle {best:.4}, gap {gap:.4}")?;
        }
        if let (Some(mean), Some(p95)) = (self.lpips_squeeze, self.lpips_squeeze_p95) {
            write!(f, "; LPIPS (squeeze) {mean:.4}, p95 {p95:.4}")?;
        }
        Ok(())
    }
}

/// Mean of quality − stall penalty − change over all segments but the first.
fn family(timeline: &Timeline, stall: f64, quality: impl Fn(usize) -> f64) -> f64 {
    let played = &timeline.played;
    if let [only] = played.as_slice() {
        return quality(only.rung);
    }
    let values = played.windows(2).map(|pair| {
        let (before, now) = (quality(pair[0].rung), quality(pair[1].rung));
        now - stall * pair[1].stall_s - (now - before).abs()
    });
    ratio(sum(values), played.len().saturating_sub(1) as f64)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
