//! What a session decided and what Sabre would print of it.

use super::network::{Progress, Verdict};
use super::options::Options;
use super::playback::Playback;
use crate::simulate::movie::Movie;
use serde::Serialize;

/// A reproduced session.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// The printed figures.
    pub metrics: Metrics,
    /// One entry a request.
    pub decisions: Decisions,
}

/// Every request, abandoned ones and replacements included: one column a quantity.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[allow(missing_docs)] // The names say all; they are those of Sabre's recorded sessions.
pub struct Decisions {
    pub segment: Vec<i64>,
    pub quality: Vec<usize>,
    pub size_bits: Vec<f64>,
    pub downloaded_bits: Vec<f64>,
    pub start_ms: Vec<f64>,
    pub time_ms: Vec<f64>,
    pub ttfb_ms: Vec<f64>,
    pub buffer_before_ms: Vec<f64>,
    pub buffer_after_ms: Vec<f64>,
    pub est_throughput_kbps: Vec<f64>,
    pub est_latency_ms: Vec<f64>,
    pub full_buffer_delay_ms: Vec<f64>,
    pub abr_delay_ms: Vec<f64>,
    pub replace_offset: Vec<Option<i64>>,
    pub abandon_to: Vec<Option<i64>>,
    pub network_clock_ms: Vec<f64>,
    pub play_clock_ms: Vec<f64>,
    pub rebuffer_ms: Vec<f64>,
}

/// What the loop knows of a request beside its transfer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Row {
    pub(super) segment: i64,
    pub(super) start_ms: f64,
    pub(super) buffer_before_ms: f64,
    pub(super) full_ms: f64,
    pub(super) wait_ms: f64,
    pub(super) replace: Option<usize>,
    pub(super) verdict: Option<Verdict>,
}

impl Decisions {
    pub(super) fn push(&mut self, row: &Row, progress: &Progress, buffer_after_ms: f64) {
        self.segment.push(row.segment);
        self.quality.push(progress.quality);
        self.size_bits.push(progress.size);
        self.downloaded_bits.push(progress.downloaded);
        self.start_ms.push(row.start_ms);
        self.time_ms.push(progress.time_ms);
        self.ttfb_ms.push(progress.latency_ms);
        self.buffer_before_ms.push(row.buffer_before_ms);
        self.buffer_after_ms.push(buffer_after_ms);
        self.full_buffer_delay_ms.push(row.full_ms);
        self.abr_delay_ms.push(row.wait_ms);
        let offset = row.replace.map(|from_end| -(from_end as i64));
        self.replace_offset.push(offset);
        self.abandon_to
            .push(row.verdict.map(|verdict| match verdict {
                Verdict::To(quality) => quality as i64,
                Verdict::GiveUp => -1,
            }));
    }
}

/// How well the estimate foretold the transfers.
#[derive(Debug, Clone, Default)]
pub(super) struct Accuracy {
    over: Mean,
    not_over: Mean,
    all: Mean,
}

/// A running mean.
#[derive(Debug, Clone, Default)]
struct Mean {
    count: f64,
    value: f64,
}

impl Mean {
    fn push(&mut self, sample: f64) {
        self.count += 1.0;
        self.value += (sample - self.value) / self.count;
    }
}

impl Accuracy {
    pub(super) fn compare(&mut self, estimate_kbps: f64, sample_kbps: f64) {
        if estimate_kbps > sample_kbps {
            self.over.push(estimate_kbps - sample_kbps);
        } else {
            self.not_over.push(sample_kbps - estimate_kbps);
        }
        self.all.push(estimate_kbps - sample_kbps);
    }
}

/// Sabre's printed figures, by its names, with its six digits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[allow(missing_docs)] // The names are Sabre's.
pub struct Metrics {
    #[serde(rename = "buffer size")]
    pub buffer_size: f64,
    #[serde(rename = "total played utility")]
    pub utility: f64,
    #[serde(rename = "time average played utility")]
    pub mean_utility: f64,
    #[serde(rename = "total played bitrate")]
    pub bitrate: f64,
    #[serde(rename = "time average played bitrate")]
    pub mean_bitrate: f64,
    #[serde(rename = "total play time")]
    pub play_time: f64,
    #[serde(rename = "total play time chunks")]
    pub play_time_chunks: f64,
    #[serde(rename = "total rebuffer")]
    pub rebuffer: f64,
    #[serde(rename = "rebuffer ratio")]
    pub rebuffer_ratio: f64,
    #[serde(rename = "time average rebuffer")]
    pub mean_rebuffer: f64,
    #[serde(rename = "total rebuffer events")]
    pub rebuffer_events: f64,
    #[serde(rename = "time average rebuffer events")]
    pub mean_rebuffer_events: f64,
    #[serde(rename = "total bitrate change")]
    pub bitrate_change: f64,
    #[serde(rename = "time average bitrate change")]
    pub mean_bitrate_change: f64,
    #[serde(rename = "total log bitrate change")]
    pub log_bitrate_change: f64,
    #[serde(rename = "time average log bitrate change")]
    pub mean_log_bitrate_change: f64,
    #[serde(rename = "time average score")]
    pub score: f64,
    #[serde(rename = "over estimate count")]
    pub over_estimate_count: f64,
    #[serde(rename = "over estimate")]
    pub over_estimate: f64,
    #[serde(rename = "leq estimate count")]
    pub leq_estimate_count: f64,
    #[serde(rename = "leq estimate")]
    pub leq_estimate: f64,
    #[serde(rename = "estimate")]
    pub estimate: f64,
    #[serde(rename = "rampup time")]
    pub rampup_time: f64,
    #[serde(rename = "total reaction time")]
    pub reaction_time: f64,
}

impl Metrics {
    pub(super) fn of(
        playback: &Playback<'_>,
        accuracy: &Accuracy,
        movie: &Movie,
        options: &Options,
    ) -> Self {
        let segment_ms = movie.segment_ms();
        let a_chunk = 1.0 / (playback.play_clock_ms / segment_ms);
        let score = playback.utility - options.gamma_p * playback.rebuffer_ms / segment_ms;
        let whole_ms = movie.segments() as f64 * segment_ms;
        let events = playback.rebuffer_events as f64;
        Self {
            buffer_size: (options.buffer_s * 1000.0).trunc(),
            utility: printed(playback.utility),
            mean_utility: printed(playback.utility * a_chunk),
            bitrate: printed(playback.bitrate),
            mean_bitrate: printed(playback.bitrate * a_chunk),
            play_time: printed(playback.play_clock_ms / 1000.0),
            play_time_chunks: printed(playback.play_clock_ms / segment_ms),
            rebuffer: printed(playback.rebuffer_ms / 1000.0),
            rebuffer_ratio: printed(playback.rebuffer_ms / playback.play_clock_ms),
            mean_rebuffer: printed(playback.rebuffer_ms / 1000.0 * a_chunk),
            rebuffer_events: events,
            mean_rebuffer_events: printed(events * a_chunk),
            bitrate_change: printed(playback.bitrate_change),
            mean_bitrate_change: printed(playback.bitrate_change * a_chunk),
            log_bitrate_change: printed(playback.log_bitrate_change),
            mean_log_bitrate_change: printed(playback.log_bitrate_change * a_chunk),
            score: printed(a_chunk * score),
            over_estimate_count: accuracy.over.count,
            over_estimate: printed(accuracy.over.value),
            leq_estimate_count: accuracy.not_over.count,
            leq_estimate: printed(accuracy.not_over.value),
            estimate: printed(accuracy.all.value),
            rampup_time: printed(playback.rampup_ms.unwrap_or(whole_ms) / 1000.0),
            reaction_time: printed(playback.reaction_ms / 1000.0),
        }
    }
}

/// A number as `%f` prints it.
fn printed(value: f64) -> f64 {
    format!("{value:.6}").parse().unwrap_or(value)
}
