//! A trace as a link: piecewise constant rate, latency per request, repeated forever.
//!
//! All results derive from the cumulative bits by a time and their inverse, both binary searches over
//! prefix sums. A [`Link`] is immutable and serves many transfers and sessions.

use super::conditions::Conditions;
use super::trace::{Trace, TraceError};

/// Minimum time between progress reports ...
const STEP_S: f64 = 0.1;
/// ... and minimum number of bytes, as in Sabre (12,000 bits).
const STEP_BYTES: u64 = 1500;

/// Longer transfers count as never ending, seconds (300 years).
const NEVER_S: f64 = 1e10;

/// A trace with prefix sums, its rates multiplied.
#[derive(Debug, Clone)]
pub struct Link {
    /// Start of every period and the end of the last, seconds.
    edges_s: Vec<f64>,
    /// Cumulative bits at each edge.
    bits: Vec<f64>,
    rates: Vec<f64>,
    latencies_s: Vec<f64>,
    looped: bool,
    overhead_bytes: u64,
}

impl Link {
    /// A link with `multiplier` × the trace's rates; NaN and negative multipliers count as 0.
    pub fn new(trace: &Trace, multiplier: f64) -> Self {
        let finite = multiplier.is_finite();
        let multiplier = if finite { multiplier.max(0.0) } else { 0.0 };
        let periods = trace.periods();
        let rates = periods.iter().map(|p| p.kbps * 1000.0 * multiplier);
        let rates: Vec<f64> = rates.collect();
        let (mut edges_s, mut bits) = (vec![0.0], vec![0.0]);
        let (mut end_s, mut passed) = (0.0, 0.0);
        for (period, rate) in periods.iter().zip(&rates) {
            end_s += period.duration_s;
            passed += rate * period.duration_s;
            edges_s.push(end_s);
            bits.push(passed);
        }
        let latencies_s = periods.iter().map(|period| period.latency_s).collect();
        Self {
            edges_s,
            bits,
            rates,
            latencies_s,
            looped: true,
            overhead_bytes: 0,
        }
    }

    /// A link under `conditions`; fails for values that are not seconds.
    pub fn under(trace: &Trace, conditions: &Conditions) -> Result<Self, TraceError> {
        let link = Self::new(&conditions.apply(trace)?, conditions.multiplier);
        Ok(Self {
            looped: conditions.looped,
            overhead_bytes: conditions.overhead_bytes,
            ..link
        })
    }

    /// The highest rate of any period, Mbit/s.
    pub(crate) fn fastest_mbps(&self) -> f64 {
        self.rates.iter().copied().fold(0.0, f64::max) / 1e6
    }

    /// Earliest first byte of a request made at `at_s` or later: waiting for a lower latency can pay.
    pub(crate) fn first_byte_s(&self, at_s: f64) -> f64 {
        let (laps, period, _) = self.place(at_s);
        let mut soonest_s = at_s + self.latencies_s[period];
        let (mut lap_start_s, mut next) = (laps * self.lap_s(), period + 1);
        loop {
            if next == self.rates.len() {
                if !self.looped {
                    return soonest_s;
                }
                (lap_start_s, next) = (lap_start_s + self.lap_s(), 0);
            }
            let from_s = lap_start_s + self.edges_s[next];
            if from_s >= soonest_s {
                return soonest_s;
            }
            soonest_s = soonest_s.min(from_s + self.latencies_s[next]);
            next += 1;
        }
    }

    /// Bytes of headers in every response.
    pub fn overhead_bytes(&self) -> u64 {
        self.overhead_bytes
    }

    /// Start in seconds, kbit/s and latency in seconds of every period up to `until_s`.
    pub fn periods(&self, until_s: f64) -> Vec<(f64, f64, f64)> {
        let mut periods = Vec::new();
        let mut lap_start_s = 0.0;
        // Bounds the memory for traces of very short laps.
        while lap_start_s < until_s && periods.len() < 1_000_000 {
            let lap = (0..self.rates.len()).map(|period| {
                let start_s = lap_start_s + self.edges_s[period];
                (
                    start_s,
                    self.rates[period] / 1000.0,
                    self.latencies_s[period],
                )
            });
            periods.extend(lap);
            lap_start_s += self.lap_s();
            if !self.looped {
                periods.push((lap_start_s, 0.0, 0.0));
                break;
            }
        }
        periods.retain(|period| period.0 < until_s);
        periods
    }

    /// Delay of a request made at `at_s` until its first byte, seconds.
    pub fn latency_s(&self, at_s: f64) -> f64 {
        let (_, period, _) = self.place(at_s);
        self.latencies_s[period]
    }

    /// A transfer of `bytes` that starts to flow at `from_s`.
    pub fn flow(&self, from_s: f64, bytes: u64) -> Flow {
        let base_bits = self.passed(from_s);
        let ends_s = match bytes {
            0 => Some(from_s),
            _ => self.when(base_bits + bytes as f64 * 8.0),
        };
        let ends_s = ends_s.filter(|end_s| end_s - from_s <= NEVER_S);
        // Rounding must not make a transfer end before it began.
        let ends_s = ends_s.map(|end_s| end_s.max(from_s));
        Flow {
            base_bits,
            bytes,
            ends_s,
        }
    }

    /// Cumulative bits from time 0 to `at_s`.
    pub(crate) fn passed(&self, at_s: f64) -> f64 {
        let (laps, period, into_s) = self.place(at_s);
        laps * self.lap_bits() + self.bits[period] + self.rates[period] * into_s
    }

    /// The time at which the cumulative bits reach `bits` (more than 0); `None` if never.
    pub(crate) fn when(&self, bits: f64) -> Option<f64> {
        let lap_bits = self.lap_bits();
        if lap_bits <= 0.0 || (!self.looped && bits > lap_bits) {
            return None;
        }
        // The end of a lap belongs to that lap, not to the next.
        let laps = ((bits / lap_bits).ceil() - 1.0).max(0.0);
        let rest = (bits - laps * lap_bits).clamp(0.0, lap_bits);
        let period = self.bits[1..].partition_point(|&by_end| by_end < rest);
        let into_s = match self.rates[period] {
            rate if rate > 0.0 => (rest - self.bits[period]) / rate,
            _ => 0.0,
        };
        let at_s = laps * self.lap_s() + self.edges_s[period] + into_s;
        at_s.is_finite().then_some(at_s)
    }

    /// Complete laps before `at_s`, the period of `at_s`, and the seconds into it.
    fn place(&self, at_s: f64) -> (f64, usize, f64) {
        let passed = (at_s / self.lap_s()).floor().max(0.0);
        let laps = if self.looped { passed } else { 0.0 };
        let within = (at_s - laps * self.lap_s()).clamp(0.0, self.lap_s());
        let after = self.edges_s.partition_point(|&edge| edge <= within);
        let period = after.saturating_sub(1).min(self.rates.len() - 1);
        (laps, period, within - self.edges_s[period])
    }

    fn lap_s(&self) -> f64 {
        self.edges_s[self.rates.len()]
    }

    fn lap_bits(&self) -> f64 {
        self.bits[self.rates.len()]
    }
}

/// One transfer over a link.
#[derive(Debug, Clone, Copy)]
pub struct Flow {
    base_bits: f64,
    bytes: u64,
    ends_s: Option<f64>,
}

impl Flow {
    /// Arrival of the last byte; `None` if never.
    pub fn ends_s(&self) -> Option<f64> {
        self.ends_s
    }

    /// Time and received bytes of the next progress report after `after_s`, with `received` bytes
    /// before it: 100 ms and 1500 bytes later, or the end. `None` if the transfer never ends.
    pub fn next(&self, link: &Link, after_s: f64, received: u64) -> Option<(f64, u64)> {
        let end = (self.ends_s?, self.bytes);
        let wanted = received.saturating_add(STEP_BYTES);
        if wanted >= self.bytes || after_s + STEP_S >= end.0 {
            return Some(end);
        }
        let soon = self.received(link, after_s + STEP_S);
        if soon >= wanted {
            return Some((after_s + STEP_S, soon));
        }
        let at_s = link.when(self.base_bits + wanted as f64 * 8.0)?;
        Some((at_s.clamp(after_s, end.0), wanted))
    }

    /// Whole bytes received by `at_s`.
    pub fn received(&self, link: &Link, at_s: f64) -> u64 {
        let bytes = (link.passed(at_s) - self.base_bits) / 8.0;
        (bytes.max(0.0) as u64).min(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::trace::tests::trace;
    use proptest::prelude::*;

    #[test]
    fn waits_through_outages_and_loops() {
        // 1 kB a second for 2 s, nothing for 3 s.
        let link = Link::new(&trace(&[(2.0, 8.0, 0.1), (3.0, 0.0, 0.4)]), 1.0);
        for (from_s, bytes, end_s) in [
            (0.0, 1000, 1.0),
            (0.0, 2000, 2.0),
            (0.0, 2001, 5.001),
            (1.0, 3000, 7.0),
            (3.0, 1, 5.001),
            (52.5, 500, 55.5),
        ] {
            assert_eq!(link.flow(from_s, bytes).ends_s, Some(end_s));
        }
        assert_eq!(
            [1.9, 2.0, 5.0].map(|at_s| link.latency_s(at_s)),
            [0.1, 0.4, 0.1]
        );
    }

    #[test]
    fn a_trace_that_does_not_loop_ends() {
        let trace = trace(&[(2.0, 8.0, 0.1)]);
        let conditions = Conditions {
            looped: false,
            ..Conditions::default()
        };
        let link = Link::under(&trace, &conditions).unwrap();
        assert_eq!(link.flow(0.5, 1500).ends_s, Some(2.0));
        assert_eq!(link.flow(0.5, 1501).ends_s, None);
        assert_eq!(link.flow(9.0, 1).ends_s, None);
        assert_eq!(link.latency_s(9.0), 0.1);
        assert_eq!(link.periods(3.0), [(0.0, 8.0, 0.1), (2.0, 0.0, 0.0)]);
    }

    #[test]
    fn a_link_without_rate_never_delivers() {
        let dead = Link::new(&trace(&[(2.0, 0.0, 0.1), (3.0, 0.0, 0.1)]), 1.0);
        assert!(dead.flow(0.0, 1).next(&dead, 0.0, 0).is_none());
        let live = trace(&[(1.0, 5.0, 0.0)]);
        for multiplier in [0.0, -1.0, f64::NAN] {
            assert!(Link::new(&live, multiplier).flow(0.0, 1).ends_s.is_none());
        }
        let faint = trace(&[(1.0, 1e-320, 0.0)]);
        assert!(Link::new(&faint, 1.0).flow(0.0, u64::MAX).ends_s.is_none());
    }

    proptest! {
        /// Against the sum over periods, one after the other.
        #[test]
        fn agrees_with_a_walk_over_the_periods(
            periods in prop::collection::vec((0.01f64..5.0, 0.0f64..50.0, Just(0.0)), 1..12),
            from_s in 0.0f64..40.0, bytes in 1u64..60_000, multiplier in 0.1f64..4.0,
        ) {
            prop_assume!(periods.iter().any(|p| p.1 > 0.5));
            let link = Link::new(&trace(&periods), multiplier);
            let (mut at, mut left) = (0.0, bytes as f64 * 8.0);
            let expected = 'walk: loop {
                for &(lasts, kbps, _) in &periods {
                    let start: f64 = f64::max(at, from_s);
                    let rate = kbps * 1000.0 * multiplier;
                    let usable = (at + lasts - start).max(0.0);
                    if usable * rate >= left {
                        break 'walk start + left / rate;
                    }
                    left -= usable * rate;
                    at += lasts;
                }
            };
            let found = link.flow(from_s, bytes).ends_s.unwrap();
            // At the end of an outage a rounding error may fall on either side of it.
            let total = link.passed(found) - link.passed(from_s);
            prop_assert!((found - expected).abs() < 1e-6 || (total - bytes as f64 * 8.0).abs() < 1e-3,
                "{found} {expected}");
        }

        #[test]
        fn progress_runs_to_the_end(
            periods in prop::collection::vec((0.01f64..5.0, 0.0f64..5000.0, Just(0.0)), 1..6),
            from_s in 0.0f64..100.0, bytes in 0u64..200_000,
        ) {
            prop_assume!(periods.iter().any(|p| p.1 > 5.0));
            let link = Link::new(&trace(&periods), 1.0);
            let flow = link.flow(from_s, bytes);
            let (mut at_s, mut received, mut steps) = (from_s, 0, 0);
            while received < bytes {
                let (then_s, now) = flow.next(&link, at_s, received).unwrap();
                prop_assert!(then_s >= at_s && now > received);
                prop_assert!(now == bytes || (now >= received + STEP_BYTES && then_s >= at_s + STEP_S));
                (at_s, received, steps) = (then_s, now, steps + 1);
            }
            prop_assert!(steps <= bytes / STEP_BYTES + 1);
            prop_assert!(bytes == 0 || at_s == flow.ends_s.unwrap());
        }
    }
}
