//! Pensieve's test environment with its buffer-based rule and RobustMPC.
//!
//! The trace's value at a time stamp holds for the interval before it; after the last the trace goes
//! on at its second stamp, as if from time 0. A request costs 80 ms that the trace does not see, and
//! 95 % of the rate is payload. Above 60 s of buffer it sleeps in steps of 500 ms. The first chunk is
//! of quality 1. The MPC's history begins with the session.

mod mpc;

use super::CompatError;
use crate::network::trace::Trace;
use crate::simulate::movie::Movie;
use serde::Serialize;

const PAYLOAD: f64 = 0.95;
const RTT_MS: f64 = 80.0;
const BUFFER_MS: f64 = 60_000.0;
const SLEEP_MS: f64 = 500.0;
/// As many chunks as are played, however many the movie has.
const CHUNKS: usize = 48;
/// Quality of the first chunk.
const FIRST: usize = 1;
/// Buffer of the lowest quality, and the span up to the highest, seconds.
const RESERVOIR_S: f64 = 5.0;
const CUSHION_S: f64 = 10.0;
/// A chunk that takes more rounds through the trace than this never arrives.
const MOST_LAPS: f64 = 1e5;

/// Which rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rule {
    /// Linear in the buffer from 5 to 15 s.
    Bb,
    /// Model-predictive control over five chunks.
    RobustMpc,
}

/// One column a quantity, one entry a chunk.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[allow(missing_docs)] // The names say all; they are those of the recorded sessions.
pub struct Columns {
    pub time_s: Vec<f64>,
    pub quality: Vec<usize>,
    pub bitrate_kbps: Vec<f64>,
    pub buffer_s: Vec<f64>,
    pub rebuf_s: Vec<f64>,
    pub size_bytes: Vec<f64>,
    pub delay_ms: Vec<f64>,
    pub reward: Vec<f64>,
}

/// The figures that its reports give; the first chunk is left out of all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Metrics {
    pub chunks: usize,
    pub reward_sum_skip_first: f64,
    pub reward_mean_skip_first: f64,
    pub total_rebuf_s_skip_first: f64,
    pub mean_bitrate_kbps: f64,
}

/// The walk through a trace by time stamps.
struct Clock {
    /// Time stamps in seconds; the value at one holds since the one before.
    stamps_s: Vec<f64>,
    bytes_per_s: Vec<f64>,
    at: usize,
    now_s: f64,
}

/// What a rule knows after a chunk.
struct Seen<'a> {
    movie: &'a Movie,
    chunks: usize,
    /// Chunks fetched.
    done: usize,
    last: usize,
    buffer_s: f64,
    size_bytes: f64,
    delay_ms: f64,
}

/// Plays the first 48 chunks of `movie` over `trace`.
pub fn run(trace: &Trace, movie: &Movie, rule: Rule) -> Result<Columns, CompatError> {
    let chunks = movie.segments().min(CHUNKS);
    let mut clock = Clock::new(trace);
    let enough_bits = clock.lap_bytes() * 8.0 * MOST_LAPS;
    let arrives = |&chunk: &usize| movie.size_bits(chunk, 0) < enough_bits;
    if let Some(segment) = (0..chunks).find(|chunk| !arrives(chunk)) {
        let trace = trace.name().to_owned();
        return Err(CompatError::Starved { trace, segment });
    }
    let mut planner = mpc::Planner::default();
    let mut columns = Columns::default();
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
        // What is reported of a sleep is what was left of it in the last interval.
        time_ms = time_ms + delay_ms + left_ms;
        let rates = movie.rates_kbps();
        let reward = rates[quality] / 1000.0
            - mpc::REBUFFERING * (rebuf_ms / 1000.0)
            - (rates[quality] - rates[last]).abs() / 1000.0;
        columns.time_s.push(time_ms / 1000.0);
        columns.quality.push(quality);
        columns.bitrate_kbps.push(rates[quality]);
        columns.buffer_s.push(buffer_ms / 1000.0);
        columns.rebuf_s.push(rebuf_ms / 1000.0);
        columns.size_bytes.push(size_bytes);
        columns.delay_ms.push(delay_ms);
        columns.reward.push(reward);
        last = quality;
        let seen = Seen {
            movie,
            chunks,
            done: chunk + 1,
            last,
            buffer_s: buffer_ms / 1000.0,
            size_bytes,
            delay_ms,
        };
        quality = match rule {
            Rule::Bb => by_buffer(&seen),
            Rule::RobustMpc => planner.choose(&seen),
        };
    }
    Ok(columns)
}

fn by_buffer(seen: &Seen<'_>) -> usize {
    let top = seen.movie.rates_kbps().len() - 1;
    if seen.buffer_s < RESERVOIR_S {
        0
    } else if seen.buffer_s >= RESERVOIR_S + CUSHION_S {
        top
    } else {
        (top as f64 * (seen.buffer_s - RESERVOIR_S) / CUSHION_S) as usize
    }
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

    /// Seconds left of the interval.
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

    /// Transfers so many bytes; returns how long that took, seconds.
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

    /// Lets so many milliseconds pass; returns what of them fell into the last interval.
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

impl Columns {
    /// The figures.
    pub fn metrics(&self) -> Metrics {
        let counted = self.reward.len().saturating_sub(1).max(1) as f64;
        let sum = |values: &[f64]| values.iter().skip(1).fold(0.0, |sum, value| sum + value);
        let rates = self.bitrate_kbps.iter().sum::<f64>();
        Metrics {
            chunks: self.reward.len(),
            reward_sum_skip_first: sum(&self.reward),
            reward_mean_skip_first: sum(&self.reward) / counted,
            total_rebuf_s_skip_first: sum(&self.rebuf_s),
            mean_bitrate_kbps: rates / self.bitrate_kbps.len().max(1) as f64,
        }
    }
}
