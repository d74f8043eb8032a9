//! Pensieve's test environment with its buffer-based rule and RobustMPC.
//!
//! A rate of the trace applies to the interval that ends at its time stamp; after the last interval the
//! trace continues at the second stamp, from time 0. A request adds 80 ms during which the trace stands
//! still, and 95 % of the rate is payload. Above 60 s of buffer the player sleeps in steps of 500 ms.
//! The first chunk has quality 1. The MPC's history is empty at the start of a session.

mod mpc;

use super::CompatError;
use super::error::named;
use crate::network::trace::Trace;
use crate::simulate::movie::Movie;
use crate::simulate::qoe::LIN_STALL;
use mpc::View;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

const PAYLOAD: f64 = 0.95;
const RTT_MS: f64 = 80.0;
const BUFFER_MS: f64 = 60_000.0;
const SLEEP_MS: f64 = 500.0;
const MAX_CHUNKS: usize = 48;
const FIRST: usize = 1;
/// Buffer of the lowest quality, and the span up to the highest, seconds.
const RESERVOIR_S: f64 = 5.0;
const CUSHION_S: f64 = 10.0;
/// Maximum number of laps of the trace for one chunk.
const MAX_LAPS: f64 = 1e5;

/// The deciding rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rule {
    /// Linear in the buffer from 5 to 15 s.
    Bb,
    /// Model-predictive control over five chunks.
    RobustMpc,
}

impl FromStr for Rule {
    type Err = CompatError;

    fn from_str(name: &str) -> Result<Self, CompatError> {
        named(name).ok_or_else(|| CompatError::option("rule", "bb or robust-mpc", name))
    }
}

/// One chunk.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names of the recorded sessions")]
pub struct Row {
    pub time_s: f64,
    pub quality: usize,
    pub bitrate_kbps: f64,
    pub buffer_s: f64,
    pub rebuf_s: f64,
    pub size_bytes: f64,
    pub delay_ms: f64,
    pub reward: f64,
}

/// The figures of its reports, without the first chunk.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names of the recorded sessions")]
pub struct Metrics {
    pub chunks: usize,
    pub reward_sum_skip_first: f64,
    pub reward_mean_skip_first: f64,
    pub total_rebuf_s_skip_first: f64,
    pub mean_bitrate_kbps: f64,
}

struct Clock {
    /// Time stamps in seconds; the rate at one applies since the one before.
    stamps_s: Vec<f64>,
    bytes_per_s: Vec<f64>,
    at: usize,
    now_s: f64,
}

/// Plays the first 48 chunks of `movie` over `trace`.
///
/// # Errors
/// [`CompatError::Starved`] if the trace never delivers a chunk.
pub fn run(trace: &Trace, movie: &Movie, rule: Rule) -> Result<Vec<Row>, CompatError> {
    let chunks = movie.segments().min(MAX_CHUNKS);
    let mut clock = Clock::new(trace);
    let enough_bits = clock.lap_bytes() * 8.0 * MAX_LAPS;
    let arrives = |&chunk: &usize| movie.size_bits(chunk, 0) < enough_bits;
    if let Some(segment) = (0..chunks).find(|chunk| !arrives(chunk)) {
        let trace = trace.name().to_owned();
        return Err(CompatError::Starved { trace, segment });
    }
    let mut planner = mpc::Planner::default();
    let mut rows = Vec::with_capacity(chunks);
    let (mut time_ms, mut buffer_ms) = (0.0, 0.0);
    let top = movie.rates_kbps().len() - 1;
    let (mut last, mut quality) = (FIRST.min(top), FIRST.min(top));
    for chunk in 0..chunks {
        let size_bytes = movie.size_bits(chunk, quality) / 8.0;
        let delay_ms = clock.fetch(size_bytes) * 1000.0 + RTT_MS;
        let rebuf_ms = f64::max(delay_ms - buffer_ms, 0.0);
        buffer_ms = f64::max(buffer_ms - delay_ms, 0.0) + movie.segment_ms();
        let mut left_ms = 0.0;
        if buffer_ms > BUFFER_MS {
            let sleep_ms = ((buffer_ms - BUFFER_MS) / SLEEP_MS).ceil() * SLEEP_MS;
            buffer_ms -= sleep_ms;
            left_ms = clock.sleep(sleep_ms);
        }
        // Of a sleep only the part in the last interval is reported, as in the original.
        time_ms = time_ms + delay_ms + left_ms;
        let (buffer_s, rates) = (buffer_ms / 1000.0, movie.rates_kbps());
        rows.push(Row {
            time_s: time_ms / 1000.0,
            quality,
            bitrate_kbps: rates[quality],
            buffer_s,
            rebuf_s: rebuf_ms / 1000.0,
            size_bytes,
            delay_ms,
            reward: rates[quality] / 1000.0
                - LIN_STALL * (rebuf_ms / 1000.0)
                - (rates[quality] - rates[last]).abs() / 1000.0,
        });
        last = quality;
        let view = View {
            movie,
            chunks,
            done: chunk + 1,
            last,
            buffer_s,
            size_bytes,
            delay_ms,
        };
        quality = match rule {
            Rule::Bb => by_buffer(&view),
            Rule::RobustMpc => planner.choose(&view),
        };
    }
    Ok(rows)
}

fn by_buffer(view: &View<'_>) -> usize {
    let top = view.movie.rates_kbps().len() - 1;
    // The conversion takes a negative number to 0.
    let rung = (top as f64 * (view.buffer_s - RESERVOIR_S) / CUSHION_S) as usize;
    rung.min(top)
}

impl Clock {
    fn new(trace: &Trace) -> Self {
        let mut stamps_s = vec![trace.first_s()];
        let mut bytes_per_s = vec![0.0];
        for period in trace.periods() {
            stamps_s.push(stamps_s[stamps_s.len() - 1] + period.duration_s);
            bytes_per_s.push(period.kbps * 125.0);
        }
        Self {
            now_s: stamps_s[0],
            stamps_s,
            bytes_per_s,
            at: 1,
        }
    }

    fn lap_bytes(&self) -> f64 {
        let spans = self.stamps_s.windows(2).map(|pair| pair[1] - pair[0]);
        let bytes = spans.zip(&self.bytes_per_s[1..]).map(|(s, rate)| s * rate);
        bytes.sum()
    }

    fn left_s(&self) -> f64 {
        self.stamps_s[self.at] - self.now_s
    }

    fn next_interval(&mut self) {
        self.now_s = self.stamps_s[self.at];
        self.at += 1;
        if self.at == self.stamps_s.len() {
            (self.at, self.now_s) = (1, 0.0);
        }
    }

    /// Transfers `bytes`; returns the time taken, seconds.
    fn fetch(&mut self, bytes: f64) -> f64 {
        let (mut sent, mut took_s) = (0.0, 0.0);
        loop {
            let rate = self.bytes_per_s[self.at];
            let left_s = self.left_s();
            let payload = rate * left_s * PAYLOAD;
            if sent + payload > bytes {
                let rest_s = (bytes - sent) / rate / PAYLOAD;
                self.now_s += rest_s;
                return took_s + rest_s;
            }
            sent += payload;
            took_s += left_s;
            self.next_interval();
        }
    }

    /// Passes `time_ms`; returns the part of it in the last interval.
    fn sleep(&mut self, mut time_ms: f64) -> f64 {
        loop {
            let left_s = self.left_s();
            if left_s > time_ms / 1000.0 {
                self.now_s += time_ms / 1000.0;
                return time_ms;
            }
            time_ms -= left_s * 1000.0;
            self.next_interval();
        }
    }
}

/// The figures of a session.
pub fn metrics(rows: &[Row]) -> Metrics {
    let counted = rows.len().saturating_sub(1).max(1) as f64;
    let sum = |of: fn(&Row) -> f64| rows.iter().skip(1).fold(0.0, |sum, row| sum + of(row));
    let rates = rows.iter().map(|row| row.bitrate_kbps).sum::<f64>();
    Metrics {
        chunks: rows.len(),
        reward_sum_skip_first: sum(|row| row.reward),
        reward_mean_skip_first: sum(|row| row.reward) / counted,
        total_rebuf_s_skip_first: sum(|row| row.rebuf_s),
        mean_bitrate_kbps: rates / rows.len().max(1) as f64,
    }
}
