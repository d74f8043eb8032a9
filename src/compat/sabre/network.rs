//! Sabre's link: a clock that walks through the trace's periods.
//!
//! Waiting, latency and bits all advance the clock. Latency is paid pro rata when a period ends within
//! it. Each new period notifies [`Playback`] of the quality that it sustains.

use super::playback::Playback;
use crate::network::trace::Trace;

/// A transfer is checked after this many bits ...
const CHECK_BITS: f64 = 12_000.0;
/// ... and this many milliseconds since the last check.
const CHECK_MS: f64 = 50.0;

#[derive(Debug, Clone, Copy)]
struct Period {
    lasts_ms: f64,
    kbps: f64,
    latency_ms: f64,
    sustains: usize,
}

/// The progress of a transfer; bits and milliseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub(super) quality: usize,
    pub(super) size: f64,
    pub(super) downloaded: f64,
    pub(super) time_ms: f64,
    pub(super) latency_ms: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    To(usize),
    GiveUp,
}

pub(super) struct Network {
    periods: Vec<Period>,
    index: usize,
    left_ms: f64,
    pub(super) clock_ms: f64,
}

/// Milliseconds as in the trace's file: whole numbers without the rounding error of seconds.
fn ms(seconds: f64) -> f64 {
    let exact = seconds * 1000.0;
    let plain = (exact * 1e6).round() / 1e6;
    let rounding = 4.0 * f64::EPSILON * exact;
    if (plain - exact).abs() <= rounding {
        plain
    } else {
        exact
    }
}

impl Network {
    pub(super) fn new(trace: &Trace, multiplier: f64, rates_kbps: &[f64], segment_ms: f64) -> Self {
        let periods = trace.periods().iter().map(|period| {
            let (kbps, latency_ms) = (period.kbps * multiplier, ms(period.latency_s));
            let usable = kbps * (1.0 - latency_ms / segment_ms);
            let above = rates_kbps.iter().skip(1).position(|&rate| rate > usable);
            Period {
                lasts_ms: ms(period.duration_s),
                kbps,
                latency_ms,
                sustains: above.unwrap_or(rates_kbps.len() - 1),
            }
        });
        let periods: Vec<Period> = periods.collect();
        Self {
            left_ms: periods[0].lasts_ms,
            periods,
            index: 0,
            clock_ms: 0.0,
        }
    }

    pub(super) fn lap_bits(&self) -> f64 {
        self.periods.iter().map(|p| p.lasts_ms * p.kbps).sum()
    }

    pub(super) fn laps_of_latency(&self) -> f64 {
        let lap_ms: f64 = self.periods.iter().map(|p| p.lasts_ms).sum();
        let longest = self.periods.iter().map(|p| p.latency_ms);
        longest.fold(0.0, f64::max) / lap_ms
    }

    pub(super) fn sustains(&self) -> usize {
        self.periods[self.index].sustains
    }

    fn period(&self) -> Period {
        self.periods[self.index]
    }

    fn pass(&mut self, time_ms: f64) {
        self.left_ms -= time_ms;
        self.clock_ms += time_ms;
    }

    fn next_period(&mut self, playback: &mut Playback<'_>) {
        self.clock_ms += self.left_ms;
        self.index = (self.index + 1) % self.periods.len();
        let period = self.period();
        self.left_ms = period.lasts_ms;
        playback.network_sustains(period.sustains, self.clock_ms);
    }

    pub(super) fn wait(&mut self, mut time_ms: f64, playback: &mut Playback<'_>) {
        while time_ms > self.left_ms {
            time_ms -= self.left_ms;
            self.next_period(playback);
        }
        self.pass(time_ms);
    }

    /// Waits for the first bit; returns the time taken.
    fn latency(&mut self, playback: &mut Playback<'_>) -> f64 {
        let (mut share, mut total) = (1.0, 0.0);
        while share > 0.0 {
            let latency_ms = self.period().latency_ms;
            let time = share * latency_ms;
            if time <= self.left_ms {
                total += time;
                self.pass(time);
                break;
            }
            total += self.left_ms;
            share -= self.left_ms / latency_ms;
            self.next_period(playback);
        }
        total
    }

    /// Transfers `size` bits without checks; returns the time taken.
    fn transfer(&mut self, mut size: f64, playback: &mut Playback<'_>) -> f64 {
        let mut total = 0.0;
        while size > 0.0 {
            let kbps = self.period().kbps;
            if size <= self.left_ms * kbps {
                let time = size / kbps;
                total += time;
                self.pass(time);
                break;
            }
            total += self.left_ms;
            size -= self.left_ms * kbps;
            self.next_period(playback);
        }
        total
    }

    /// Transfers at least `min_bits` bits for at least `min_ms`, or `size` bits; returns bits and
    /// time. A period without rate passes as a whole.
    fn stretch(
        &mut self,
        mut size: f64,
        mut min_bits: f64,
        mut min_ms: f64,
        playback: &mut Playback<'_>,
    ) -> (f64, f64) {
        let (mut total_bits, mut total_ms) = (0.0, 0.0);
        while size > 0.0 && (min_bits > 0.0 || min_ms > 0.0) {
            let kbps = self.period().kbps;
            let wanted = min_bits.max(min_ms * kbps);
            let left_bits = self.left_ms * kbps;
            let (bits, time);
            if kbps <= 0.0 {
                bits = 0.0;
                if min_bits > 0.0 || min_ms > self.left_ms {
                    time = self.left_ms;
                    self.next_period(playback);
                } else {
                    time = min_ms;
                    self.pass(time);
                }
            } else if size <= wanted && size <= left_bits {
                (bits, time) = (size, size / kbps);
                self.pass(time);
            } else if wanted <= left_bits {
                (bits, time) = (wanted, wanted / kbps);
                // No remainder from rounding.
                (min_bits, min_ms) = (0.0, 0.0);
                self.pass(time);
            } else {
                (bits, time) = (left_bits, self.left_ms);
                self.next_period(playback);
            }
            total_bits += bits;
            total_ms += time;
            size -= bits;
            min_bits -= bits;
            min_ms -= time;
        }
        (total_bits, total_ms)
    }

    pub(super) fn fetch(
        &mut self,
        quality: usize,
        size: f64,
        playback: &mut Playback<'_>,
    ) -> Progress {
        let latency_ms = self.latency(playback);
        Progress {
            quality,
            size,
            downloaded: size,
            time_ms: latency_ms + self.transfer(size, playback),
            latency_ms,
        }
    }

    /// A request that `look` may end, given the transfer and the present buffer level.
    pub(super) fn fetch_watched(
        &mut self,
        quality: usize,
        size: f64,
        playback: &mut Playback<'_>,
        mut look: impl FnMut(&Progress, f64) -> Option<Verdict>,
    ) -> (Progress, Option<Verdict>) {
        let buffer_ms = playback.level_ms();
        let latency_ms = self.latency(playback);
        let mut progress = Progress {
            quality,
            size,
            downloaded: 0.0,
            time_ms: latency_ms,
            latency_ms,
        };
        let mut min_ms = CHECK_MS - latency_ms;
        loop {
            let left = size - progress.downloaded;
            let (bits, time) = self.stretch(left, CHECK_BITS, min_ms, playback);
            progress.time_ms += time;
            progress.downloaded += bits;
            if progress.downloaded >= size {
                return (progress, None);
            }
            let verdict = look(&progress, f64::max(0.0, buffer_ms - progress.time_ms));
            if verdict.is_some() {
                return (progress, verdict);
            }
            min_ms = CHECK_MS;
        }
    }
}
