//! The throughput and latency estimate: the transfers so far as one rate and one delay.
//!
//! | estimator | rate |
//! |---|---|
//! | `ewma` (default) | the middle of two exponentially weighted means, half-lives 3 s and 8 s |
//! | `ewma-low` | the lower of the two (Sabre, dash.js) |
//! | `harmonic` | harmonic mean of the last 5 samples (Yin et al., SIGCOMM 2015, §6) |
//! | `mean` | arithmetic mean of the last 3 (Sabre's sliding window) |
//! | `percentile` | the 25th percentile of the last 10, between neighbours by proportion |
//!
//! In the weighted means a sample weighs as long as its transfer took, and the start from zero is divided
//! out, as in Sabre and dash.js (Spiteri, Sitaraman, Sparacio, "From Theory to Practice", MMSys 2018, §5).
//! The lower of the two means underestimates most of the time. The latency is always the higher of two.
//! Powers are libm's, so that decisions do not depend on the platform. Nothing here knows of rungs.

use super::kbps;
use std::fmt;
use std::str::FromStr;

/// Half-lives of the quick and the slow mean, seconds.
const HALF_LIVES_S: [f64; 2] = [3.0, 8.0];

/// Shortest duration counted for a transfer: a body that arrives in one read says only that the network is
/// fast.
const SHORTEST_S: f64 = 0.001;

/// The longest window of the sliding estimators.
const WINDOW: usize = 10;

/// The percentile that `percentile` takes.
const PERCENTILE: f64 = 0.25;

/// The estimators by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Estimator {
    /// Two exponentially weighted means, their middle counts.
    #[default]
    Ewma,
    /// Two exponentially weighted means, the lower counts.
    EwmaLow,
    /// Harmonic mean of the last 5.
    Harmonic,
    /// Arithmetic mean of the last 3.
    Mean,
    /// The 25th percentile of the last 10.
    Percentile,
}

/// An estimator name that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no throughput estimator: expected ewma, ewma-low, harmonic, mean or percentile")]
pub struct UnknownEstimator(pub String);

impl Estimator {
    /// Every estimator.
    pub const ALL: [Self; 5] = [
        Self::Ewma,
        Self::EwmaLow,
        Self::Harmonic,
        Self::Mean,
        Self::Percentile,
    ];

    /// The estimator as its name is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ewma => "ewma",
            Self::EwmaLow => "ewma-low",
            Self::Harmonic => "harmonic",
            Self::Mean => "mean",
            Self::Percentile => "percentile",
        }
    }
}

impl FromStr for Estimator {
    type Err = UnknownEstimator;

    fn from_str(name: &str) -> Result<Self, UnknownEstimator> {
        let found = Self::ALL.into_iter().find(|known| known.name() == name);
        found.ok_or_else(|| UnknownEstimator(name.to_owned()))
    }
}

impl fmt::Display for Estimator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
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

/// The last few values, oldest overwritten first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<const N: usize> {
    values: [f64; N],
    pushed: usize,
}

impl<const N: usize> Default for Window<N> {
    fn default() -> Self {
        Self {
            values: [0.0; N],
            pushed: 0,
        }
    }
}

impl<const N: usize> Window<N> {
    pub(crate) fn push(&mut self, value: f64) {
        self.values[self.pushed % N] = value;
        self.pushed += 1;
    }

    /// The last `most` values, newest first.
    pub(crate) fn last(&self, most: usize) -> impl Iterator<Item = f64> + '_ {
        let here = self.pushed.min(N).min(most);
        (1..=here).map(|back| self.values[(self.pushed - back) % N])
    }

    /// The harmonic mean of the last `most` values, which are above 0; `None` without any.
    pub(crate) fn harmonic(&self, most: usize) -> Option<f64> {
        let (mut count, mut inverses) = (0.0, 0.0);
        for value in self.last(most) {
            count += 1.0;
            inverses += 1.0 / value;
        }
        (count > 0.0).then(|| count / inverses)
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
    /// No samples yet. `segment_s`, the usual segment duration in seconds, turns the half-lives
    /// into a number of requests for the latency, whose samples all weigh the same.
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

    /// A transfer of `bytes` took `transfer_s` from its first byte, which came `latency_s` after
    /// the request. A transfer without bytes changes nothing.
    pub fn push(&mut self, bytes: u64, transfer_s: f64, latency_s: f64) {
        if bytes == 0 {
            return;
        }
        let lasted = transfer_s.max(SHORTEST_S);
        let rate = kbps(bytes as f64, lasted);
        self.rates
            .iter_mut()
            .for_each(|mean| mean.push(lasted, rate));
        let latency = latency_s.max(0.0);
        self.latencies
            .iter_mut()
            .for_each(|mean| mean.push(1.0, latency));
        self.recent.push(rate);
        self.latency_s = self.latencies.iter().map(Ewma::value).fold(0.0, f64::max);
        self.kbps = Some(self.estimate());
    }

    fn estimate(&self) -> f64 {
        match self.estimator {
            Estimator::Ewma => {
                let [quick, slow] = &self.rates;
                (quick.value() + slow.value()) / 2.0
            }
            Estimator::EwmaLow => {
                let means = self.rates.iter().map(Ewma::value);
                means.fold(f64::INFINITY, f64::min)
            }
            Estimator::Harmonic => self.recent.harmonic(5).unwrap_or(0.0),
            Estimator::Mean => {
                let (count, sum) = self
                    .recent
                    .last(3)
                    .fold((0.0, 0.0), |(count, sum), rate| (count + 1.0, sum + rate));
                sum / count
            }
            Estimator::Percentile => percentile(&self.recent),
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

/// The percentile of the window, interpolated between the two values next to it.
fn percentile(recent: &Window<WINDOW>) -> f64 {
    let (mut sorted, mut count) = ([f64::INFINITY; WINDOW], 0);
    for rate in recent.last(WINDOW) {
        sorted[count] = rate;
        count += 1;
    }
    sorted.sort_unstable_by(f64::total_cmp);
    let place = PERCENTILE * count.saturating_sub(1) as f64;
    let (below, share) = (place.floor() as usize, place.fract());
    let above = (below + 1).min(count.saturating_sub(1));
    sorted[below] + share * (sorted[above] - sorted[below])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ewma() -> Throughput {
        Throughput::new(Estimator::Ewma, 2.0)
    }

    #[test]
    fn the_first_sample_is_the_estimate() {
        for estimator in Estimator::ALL {
            let mut estimate = Throughput::new(estimator, 2.0);
            assert_eq!(estimate.kbps(), None);
            estimate.push(0, 1.0, 0.1);
            assert_eq!(estimate.kbps(), None);
            estimate.push(12_500, 1.0, 0.1);
            assert!((estimate.kbps().unwrap() - 100.0).abs() < 1e-9);
            assert!((estimate.latency_s() - 0.1).abs() < 1e-12);
        }
    }

    /// Against the sum written out: weights 0.5^(age / half-life), normalised.
    #[test]
    fn agrees_with_the_weighted_sum() {
        let samples = [(100.0, 1.5), (900.0, 0.25), (300.0, 4.0), (350.0, 2.0)];
        let estimated = |estimator| {
            let mut estimate = Throughput::new(estimator, 2.0);
            for (rate, lasted) in samples {
                estimate.push((rate * 125.0 * lasted) as u64, lasted, 0.05);
            }
            estimate.kbps().unwrap()
        };
        let by_hand = HALF_LIVES_S.map(|half_life: f64| {
            let (mut sum, mut norm, mut age) = (0.0, 0.0, 0.0);
            for (rate, lasted) in samples.iter().rev() {
                let weight =
                    0.5_f64.powf(age / half_life) - 0.5_f64.powf((age + lasted) / half_life);
                sum += weight * rate;
                norm += weight;
                age += lasted;
            }
            sum / norm
        });
        let middle = (by_hand[0] + by_hand[1]) / 2.0;
        assert!((estimated(Estimator::Ewma) - middle).abs() / middle < 1e-3);
        let low = by_hand[0].min(by_hand[1]);
        assert!((estimated(Estimator::EwmaLow) - low).abs() / low < 1e-3);
    }

    #[test]
    fn windows_slide() {
        let after = |estimator, rates: &[u64]| {
            let mut estimate = Throughput::new(estimator, 2.0);
            for rate in rates {
                estimate.push(rate * 125, 1.0, 0.0);
            }
            estimate.kbps().unwrap()
        };
        let rates = [900, 100, 200, 400];
        assert!((after(Estimator::Mean, &rates) - 700.0 / 3.0).abs() < 1e-9);
        // 4 / (1/900 + 1/100 + 1/200 + 1/400).
        assert!((after(Estimator::Harmonic, &rates) - 4.0 / 0.018_611_111_111).abs() < 1e-6);
        // Sorted 100 200 400 900: three quarters of the way from the first to the second.
        assert!((after(Estimator::Percentile, &rates) - 175.0).abs() < 1e-9);
        let long: Vec<u64> = (1..=20).map(|k| k * 10).collect();
        assert!((after(Estimator::Percentile, &long) - 132.5).abs() < 1e-9);
        assert!((after(Estimator::Mean, &long) - 190.0).abs() < 1e-9);
    }

    #[test]
    fn an_instant_transfer_stays_finite() {
        let mut estimate = ewma();
        estimate.push(10_000, 0.0, -1.0);
        assert_eq!(estimate.kbps().unwrap(), 80_000.0);
        assert_eq!(estimate.latency_s(), 0.0);
    }

    #[test]
    fn the_lower_falls_faster_than_it_rises() {
        let mut up = Throughput::new(Estimator::EwmaLow, 2.0);
        let mut down = up.clone();
        (0..20).for_each(|_| up.push(12_500, 1.0, 0.0));
        (0..20).for_each(|_| down.push(125_000, 1.0, 0.0));
        (0..3).for_each(|_| up.push(125_000, 1.0, 0.0));
        (0..3).for_each(|_| down.push(12_500, 1.0, 0.0));
        let risen = (up.kbps().unwrap() - 100.0) / 900.0;
        let fallen = (1000.0 - down.kbps().unwrap()) / 900.0;
        assert!(risen < 0.3 && fallen > 0.45, "{risen} {fallen}");
    }

    #[test]
    fn names_round_trip() {
        for estimator in Estimator::ALL {
            assert_eq!(estimator.to_string().parse(), Ok(estimator));
        }
        assert!("median".parse::<Estimator>().is_err());
    }
}
