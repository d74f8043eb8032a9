//! Sabre's two estimates of throughput and latency.

use super::options::Average;
use std::collections::VecDeque;
use std::hint::black_box;

const KEPT: usize = 20;

/// Throughput in kbit/s and latency in milliseconds, pessimistic over several memories.
pub(super) struct Estimate {
    memory: Memory,
    pub(super) kbps: f64,
    pub(super) latency_ms: f64,
}

enum Memory {
    Ewma {
        averages: Vec<Ewma>,
        seen_ms: f64,
        seen: f64,
    },
    Sliding {
        windows: Vec<usize>,
        kbps: VecDeque<f64>,
        latencies_ms: VecDeque<f64>,
    },
}

/// One pair of exponential averages: throughput forgets by time, latency by sample.
struct Ewma {
    half_life_ms: f64,
    half_life: f64,
    kbps: f64,
    latency_ms: f64,
}

impl Estimate {
    pub(super) fn new(average: &Average, segment_ms: f64) -> Self {
        let ewma = |half_life_s: &f64| Ewma {
            half_life_ms: half_life_s * 1000.0,
            half_life: half_life_s * 1000.0 / segment_ms,
            kbps: 0.0,
            latency_ms: 0.0,
        };
        let memory = match average {
            Average::Ewma(half_lives_s) => Memory::Ewma {
                averages: half_lives_s.iter().map(ewma).collect(),
                seen_ms: 0.0,
                seen: 0.0,
            },
            Average::Sliding(windows) => Memory::Sliding {
                windows: windows.clone(),
                kbps: VecDeque::new(),
                latencies_ms: VecDeque::new(),
            },
        };
        Self {
            memory,
            kbps: f64::NAN,
            latency_ms: f64::NAN,
        }
    }

    /// Learns from a transfer that took `time_ms` after its first bit.
    pub(super) fn push(&mut self, time_ms: f64, sample_kbps: f64, sample_latency_ms: f64) {
        (self.kbps, self.latency_ms) = match &mut self.memory {
            Memory::Ewma {
                averages,
                seen_ms,
                seen,
            } => {
                *seen_ms += time_ms;
                *seen += 1.0;
                for average in &mut *averages {
                    average.learn(time_ms, sample_kbps, sample_latency_ms);
                }
                pessimistic(averages.iter().map(|average| average.now(*seen_ms, *seen)))
            }
            Memory::Sliding {
                windows,
                kbps,
                latencies_ms,
            } => {
                keep(kbps, sample_kbps);
                keep(latencies_ms, sample_latency_ms);
                let means = |&window: &usize| (mean(kbps, window), mean(latencies_ms, window));
                pessimistic(windows.iter().map(means))
            }
        };
    }
}

impl Ewma {
    fn learn(&mut self, time_ms: f64, kbps: f64, latency_ms: f64) {
        let keep = half_to(time_ms / self.half_life_ms);
        self.kbps = keep * self.kbps + (1.0 - keep) * kbps;
        let keep = half_to(1.0 / self.half_life);
        self.latency_ms = keep * self.latency_ms + (1.0 - keep) * latency_ms;
    }

    /// The averages, corrected for their initial zeros.
    fn now(&self, seen_ms: f64, seen: f64) -> (f64, f64) {
        let share = 1.0 - half_to(seen_ms / self.half_life_ms);
        let latency_share = 1.0 - half_to(seen / self.half_life);
        (self.kbps / share, self.latency_ms / latency_share)
    }
}

/// 0.5 to the power of `x`. Hides the 0.5 from the compiler, which would use `exp2`: it differs from
/// `pow` in the last bit, which decides comparisons on a constant network.
fn half_to(x: f64) -> f64 {
    black_box(0.5_f64).powf(x)
}

/// The least throughput and the greatest latency; a first NaN stays.
fn pessimistic(estimates: impl Iterator<Item = (f64, f64)>) -> (f64, f64) {
    let less = |a: f64, b: f64| if b < a { b } else { a };
    let worse = |a: (f64, f64), b: (f64, f64)| (less(a.0, b.0), -less(-a.1, -b.1));
    estimates.reduce(worse).unwrap_or((f64::NAN, f64::NAN))
}

fn keep(samples: &mut VecDeque<f64>, sample: f64) {
    samples.push_back(sample);
    if samples.len() > KEPT {
        samples.pop_front();
    }
}

/// The mean of the last `window` samples; of all when it is 0.
fn mean(samples: &VecDeque<f64>, window: usize) -> f64 {
    let window = if window == 0 { samples.len() } else { window };
    let recent = samples.iter().skip(samples.len().saturating_sub(window));
    // Oldest first: the order affects rounding.
    let sum = recent.fold(0.0, |sum, sample| sum + sample);
    sum / samples.len().min(window) as f64
}
