//! Decisions of a session, and the figures that Sabre prints.

use super::network::{Progress, Verdict};
use super::options::Options;
use super::playback::Playback;
use crate::simulate::movie::Movie;
use serde::Serialize;
use std::collections::BTreeMap;

/// A re-enacted session.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// The printed figures, by Sabre's names, with its six digits.
    pub metrics: Metrics,
    /// A row per request.
    pub decisions: Vec<Decision>,
}

/// Sabre's printed figures by name.
pub type Metrics = BTreeMap<String, f64>;

/// One request; abandoned ones and replacements are included.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[allow(missing_docs, reason = "the names of the recorded sessions")]
pub struct Decision {
    /// Negative after a seek to before the movie.
    pub segment: i64,
    pub quality: usize,
    pub size_bits: f64,
    pub downloaded_bits: f64,
    pub start_ms: f64,
    pub time_ms: f64,
    pub ttfb_ms: f64,
    pub buffer_before_ms: f64,
    pub buffer_after_ms: f64,
    pub est_throughput_kbps: f64,
    pub est_latency_ms: f64,
    pub full_buffer_delay_ms: f64,
    pub abr_delay_ms: f64,
    /// Position from the buffer's end, negative.
    pub replace_offset: Option<i64>,
    /// The quality that an abandonment asked for; -1 for a replacement given up.
    pub abandon_to: Option<i64>,
    pub network_clock_ms: f64,
    pub play_clock_ms: f64,
    pub rebuffer_ms: f64,
}

impl Decision {
    /// The decision with the transfer and its end.
    pub(super) fn with(self, progress: &Progress, verdict: Option<Verdict>) -> Self {
        Self {
            quality: progress.quality,
            size_bits: progress.size,
            downloaded_bits: progress.downloaded,
            time_ms: progress.time_ms,
            ttfb_ms: progress.latency_ms,
            abandon_to: verdict.map(|verdict| match verdict {
                Verdict::To(quality) => quality as i64,
                Verdict::GiveUp => -1,
            }),
            ..self
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Accuracy {
    over: Mean,
    not_over: Mean,
    all: Mean,
}

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

pub(super) fn metrics(
    playback: &Playback<'_>,
    accuracy: &Accuracy,
    movie: &Movie,
    options: &Options,
) -> Metrics {
    let segment_ms = movie.segment_ms();
    let chunks = playback.play_clock_ms / segment_ms;
    let per_chunk = 1.0 / chunks;
    let score = playback.utility - options.gamma_p * playback.rebuffer_ms / segment_ms;
    let whole_ms = movie.segments() as f64 * segment_ms;
    let rampup_ms = playback.rampup_ms.unwrap_or(whole_ms);
    let totals = [
        ("played utility", playback.utility),
        ("played bitrate", playback.bitrate),
        ("rebuffer", playback.rebuffer_ms / 1000.0),
        ("rebuffer events", playback.rebuffer_events as f64),
        ("bitrate change", playback.bitrate_change),
        ("log bitrate change", playback.log_bitrate_change),
    ];
    let totals = totals.into_iter().flat_map(|(name, total)| {
        let average = (format!("time average {name}"), total * per_chunk);
        [(format!("total {name}"), total), average]
    });
    let ratio = playback.rebuffer_ms / playback.play_clock_ms;
    let others = [
        ("buffer size", (options.buffer_s * 1000.0).trunc()),
        ("total play time", playback.play_clock_ms / 1000.0),
        ("total play time chunks", chunks),
        ("rebuffer ratio", ratio),
        ("time average score", per_chunk * score),
        ("over estimate count", accuracy.over.count),
        ("over estimate", accuracy.over.value),
        ("leq estimate count", accuracy.not_over.count),
        ("leq estimate", accuracy.not_over.value),
        ("estimate", accuracy.all.value),
        ("rampup time", rampup_ms / 1000.0),
        ("total reaction time", playback.reaction_ms / 1000.0),
    ];
    let others = others.map(|(name, value)| (name.to_owned(), value));
    let figures = totals.chain(others);
    figures
        .map(|(name, value)| (name, printed(value)))
        .collect()
}

fn printed(value: f64) -> f64 {
    format!("{value:.6}").parse().unwrap_or(value)
}
