//! The throughput and latency estimate: the transfers so far as one rate and one delay.
//!
//! In the weighted means a sample weighs as long as its transfer took, and the start from zero is divided
//! out, as in Sabre and dash.js (Spiteri, Sitaraman, Sparacio, "From Theory to Practice", MMSys 2018, §5).
//! The lower of the two means underestimates most of the time. The latency is always the higher of two.
//! Powers are libm's, so that decisions do not depend on the platform. Independent of rungs.

use super::kbps;
use super::named::named;
use std::collections::VecDeque;

/// Half-lives of the quick and the slow mean, seconds.
const HALF_LIVES_S: [f64; 2] = [3.0, 8.0];

/// Shortest duration counted for a transfer: one that arrives in a single read has no measurable one.
const SHORTEST_S: f64 = 0.001;

const WINDOW: usize = 10;

const PERCENTILE: f64 = 0.25;

/// The estimators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Estimator {
    /// The middle of two exponentially weighted means, half-lives 3 s and 8 s.
    #[default]
    Ewma,
    /// The lower of the two (Sabre, dash.js).
    EwmaLow,
    /// Harmonic mean of the last 5 (Yin et al., SIGCOMM 2015, §6).
    Harmonic,
    /// Arithmetic mean of the last 3 (Sabre's sliding window).
    Mean,
    /// The 25th percentile of the last 10, interpolated.
    Percentile,
}

named! { Estimator, "throughput estimator":
    Ewma = "ewma", EwmaLow = "ewma-low", Harmonic = "harmonic", Mean = "mean", Percentile = "percentile",
}

/// A mean whose old samples fade by half every half-life of weight.
#[derive(Debug, Clone, Copy)]
struct Ewma {
    half_life: f64,
    mean: f64,
    /// What is left of the start from zero.
    unset: f64,
}

impl Ewma {
    fn new(half_life: f64) -> Self {
        Self {
            half_life,
            mean: 0.0,
            unset: 1.0,
        }
    }

    fn push(&mut self, weight: f64, value: f64) {
        let keep = libm::exp2(-weight / self.half_life);
        self.mean = keep * self.mean + (1.0 - keep) * value;
        self.unset *= keep;
    }

    fn value(&self) -> f64 {
        self.mean / (1.0 - self.unset)
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Window<const N: usize>(VecDeque<f64>);

impl<const N: usize> Window<N> {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.truncate(N - 1);
        self.0.push_front(value);
    }

    /// The last `most` values, newest first.
    pub(crate) fn last(&self, most: usize) -> impl Iterator<Item = f64> + '_ {
        self.0.iter().take(most).copied()
    }

    /// The harmonic mean of the last `most` values, which are above 0; `None` without any.
    pub(crate) fn harmonic(&self, most: usize) -> Option<f64> {
        let inverses = self.last(most).map(f64::recip);
        let count = self.last(most).count();
        (count > 0).then(|| count as f64 / inverses.sum::<f64>())
    }
}

/// The estimate. See the module's description.
#[derive(Debug, Clone)]
pub struct Throughput {
    estimator: Estimator,
    rates: [Ewma; 2],
    latencies: [Ewma; 2],
    recent: Window<WINDOW>,
    /// The estimates as of the last sample.
    kbps: Option<f64>,
    latency_s: f64,
}

impl Throughput {
    /// No samples yet. `segment_s`, the usual segment duration, turns half-lives into numbers of requests.
    pub fn new(estimator: Estimator, segment_s: f64) -> Self {
        Self {
            estimator,
            rates: HALF_LIVES_S.map(Ewma::new),
            latencies: HALF_LIVES_S.map(|half_life| Ewma::new(half_life / segment_s)),
            recent: Window::default(),
            kbps: None,
            latency_s: 0.0,
        }
    }

    /// Adds a transfer of `bytes`, unless empty: `latency_s` to its first byte and `transfer_s` from there.
    pub fn push(&mut self, bytes: u64, transfer_s: f64, latency_s: f64) {
        if bytes == 0 {
            return;
        }
        let lasted = transfer_s.max(SHORTEST_S);
        let rate = kbps(bytes as f64, lasted);
        for (rates, latencies) in self.rates.iter_mut().zip(&mut self.latencies) {
            rates.push(lasted, rate);
            latencies.push(1.0, latency_s.max(0.0));
        }
        self.recent.push(rate);
        self.latency_s = self.latencies.iter().map(Ewma::value).fold(0.0, f64::max);
        self.kbps = Some(self.estimate());
    }

    fn estimate(&self) -> f64 {
        let [quick, slow] = &self.rates;
        let recent = |most| self.recent.last(most);
        match self.estimator {
            Estimator::Ewma => (quick.value() + slow.value()) / 2.0,
            Estimator::EwmaLow => quick.value().min(slow.value()),
            Estimator::Harmonic => self.recent.harmonic(5).unwrap_or(0.0),
            Estimator::Mean => recent(3).sum::<f64>() / recent(3).count() as f64,
            Estimator::Percentile => percentile(recent(WINDOW).collect()),
        }
    }

    /// The rate to count on in kbit/s, or `None` before the first sample.
    pub fn kbps(&self) -> Option<f64> {
        self.kbps
    }

    /// The delay to count on between a request and its first byte in seconds; 0 when unknown.
    pub fn latency_s(&self) -> f64 {
        self.latency_s
    }
}

/// The percentile of at least one rate, interpolated between the two next to it.
fn percentile(mut rates: Vec<f64>) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    let last = rates.len() - 1;
    let place = PERCENTILE * last as f64;
    let (below, above) = (place.floor() as usize, place.floor() as usize + 1);
    rates[below] + place.fract() * (rates[above.min(last)] - rates[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The estimate after transfers at these rates, of so many seconds each.
    fn after(estimator: Estimator, rates: &[(f64, f64)]) -> f64 {
        let mut estimate = Throughput::new(estimator, 2.0);
        for (rate, lasted) in rates {
            estimate.push((rate * 125.0 * lasted) as u64, *lasted, 0.05);
        }
        estimate.kbps().unwrap()
    }

    #[test]
    fn the_first_sample_is_the_estimate() {
        for estimator in Estimator::all() {
            let mut estimate = Throughput::new(estimator, 2.0);
            assert_eq!(estimate.kbps(), None);
            estimate.push(0, 1.0, 0.1);
            assert_eq!(estimate.kbps(), None);
            estimate.push(12_500, 1.0, 0.1);
            assert!((estimate.kbps().unwrap() - 100.0).abs() < 1e-9);
            assert!((estimate.latency_s() - 0.1).abs() < 1e-12);
        }
        // An instant transfer stays finite.
        let mut estimate = Throughput::new(Estimator::Ewma, 2.0);
        estimate.push(10_000, 0.0, -1.0);
        assert_eq!(
            (estimate.kbps(), estimate.latency_s()),
            (Some(80_000.0), 0.0)
        );
    }

    /// Against the sum written out: weights 0.5^(age / half-life), normalised.
    #[test]
    fn agrees_with_the_weighted_sum() {
        let samples = [(100.0, 1.5), (900.0, 0.25), (300.0, 4.0), (350.0, 2.0)];
        let [quick, slow] = HALF_LIVES_S.map(|half_life: f64| {
            let (mut sum, mut norm, mut age) = (0.0, 0.0, 0.0);
            let left = |age: f64| 0.5_f64.powf(age / half_life);
            for (rate, lasted) in samples.iter().rev() {
                let weight = left(age) - left(age + lasted);
                sum += weight * rate;
                norm += weight;
                age += lasted;
            }
            sum / norm
        });
        let middle = (quick + slow) / 2.0;
        assert!((after(Estimator::Ewma, &samples) - middle).abs() / middle < 1e-3);
        let low = quick.min(slow);
        assert!((after(Estimator::EwmaLow, &samples) - low).abs() / low < 1e-3);
    }

    #[test]
    fn windows_slide() {
        let few = [900.0, 100.0, 200.0, 400.0].map(|rate| (rate, 1.0));
        let many: Vec<(f64, f64)> = (1..=20).map(|k| (f64::from(k) * 10.0, 1.0)).collect();
        for (estimator, rates, expected) in [
            (Estimator::Mean, &few[..], 700.0 / 3.0),
            // 4 / (1/900 + 1/100 + 1/200 + 1/400).
            (Estimator::Harmonic, &few, 4.0 / 0.018_611_111_111),
            // Sorted 100 200 400 900: three quarters of the way from the first to the second.
            (Estimator::Percentile, &few, 175.0),
            (Estimator::Percentile, &many, 132.5),
            (Estimator::Mean, &many, 190.0),
        ] {
            let found = after(estimator, rates);
            assert!((found - expected).abs() < 1e-6, "{estimator}: {found}");
        }
    }

    #[test]
    fn the_lower_falls_faster_than_it_rises() {
        let step = |from: f64, to: f64| {
            let rates = [vec![(from, 1.0); 20], vec![(to, 1.0); 3]].concat();
            (after(Estimator::EwmaLow, &rates) - from) / (to - from)
        };
        let (risen, fallen) = (step(100.0, 1000.0), step(1000.0, 100.0));
        assert!(risen < 0.3 && fallen > 0.45, "{risen} {fallen}");
    }
}
