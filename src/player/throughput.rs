//! The throughput and latency estimate: two exponentially weighted means, one quick and one slow.
//!
//! A sample weighs as long as its transfer took, the cautious of the two means counts (the lower
//! rate, the higher latency), and the start from zero is divided out. This is the estimator of
//! Sabre and dash.js (Spiteri, Sitaraman, Sparacio, "From Theory to Practice", MMSys 2018, §5),
//! half-lives 3 s and 8 s. It knows nothing of rungs.

use super::kbps;

/// Half-lives of the quick and the slow mean, seconds.
const HALF_LIVES_S: [f64; 2] = [3.0, 8.0];

/// Transfers quicker than this are taken to have lasted this long: a body that arrives in one read
/// says only that the network is fast.
const SHORTEST_S: f64 = 0.001;

/// A mean whose old samples fade by half every half-life of weight.
#[derive(Debug, Clone, Copy)]
struct Ewma {
    half_life: f64,
    mean: f64,
    weight: f64,
}

impl Ewma {
    fn new(half_life: f64) -> Self {
        Self {
            half_life,
            mean: 0.0,
            weight: 0.0,
        }
    }

    fn push(&mut self, weight: f64, value: f64) {
        let keep = 0.5_f64.powf(weight / self.half_life);
        self.mean = keep * self.mean + (1.0 - keep) * value;
        self.weight += weight;
    }

    fn value(&self) -> f64 {
        self.mean / (1.0 - 0.5_f64.powf(self.weight / self.half_life))
    }
}

/// What the network gave so far.
#[derive(Debug, Clone)]
pub struct Throughput {
    rates: [Ewma; 2],
    latencies: [Ewma; 2],
    samples: u64,
}

impl Throughput {
    /// No samples yet. `segment_s`, the usual segment duration in seconds, turns the half-lives
    /// into a number of requests for the latency, whose samples all weigh the same.
    pub fn new(segment_s: f64) -> Self {
        Self {
            rates: HALF_LIVES_S.map(Ewma::new),
            latencies: HALF_LIVES_S.map(|half_life| Ewma::new(half_life / segment_s)),
            samples: 0,
        }
    }

    /// A transfer of `bytes` took `transfer_s` from its first byte, which came `latency_s` after
    /// the request. A transfer without bytes teaches nothing.
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
        self.samples += 1;
    }

    /// The rate to count on in kbit/s, or `None` before the first sample.
    pub fn kbps(&self) -> Option<f64> {
        let lowest = self
            .rates
            .iter()
            .map(Ewma::value)
            .fold(f64::INFINITY, f64::min);
        (self.samples > 0).then_some(lowest)
    }

    /// The delay to count on between a request and its first byte in seconds; 0 when unknown.
    pub fn latency_s(&self) -> f64 {
        if self.samples == 0 {
            return 0.0;
        }
        self.latencies.iter().map(Ewma::value).fold(0.0, f64::max)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sample_is_the_estimate() {
        let mut estimate = Throughput::new(2.0);
        assert_eq!(estimate.kbps(), None);
        estimate.push(0, 1.0, 0.1);
        assert_eq!(estimate.kbps(), None);
        estimate.push(12_500, 1.0, 0.1);
        assert!((estimate.kbps().unwrap() - 100.0).abs() < 1e-9);
        assert!((estimate.latency_s() - 0.1).abs() < 1e-12);
    }

    /// Against the sum written out: weights 0.5^(age / half-life), normalised.
    #[test]
    fn agrees_with_the_weighted_sum() {
        let samples = [(100.0, 1.5), (900.0, 0.25), (300.0, 4.0), (350.0, 2.0)];
        let mut estimate = Throughput::new(2.0);
        for (rate, lasted) in samples {
            estimate.push((rate * 125.0 * lasted) as u64, lasted, 0.05);
        }
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
        let expected = by_hand[0].min(by_hand[1]);
        assert!((estimate.kbps().unwrap() - expected).abs() / expected < 1e-3);
    }

    #[test]
    fn an_instant_transfer_stays_finite() {
        let mut estimate = Throughput::new(2.0);
        estimate.push(10_000, 0.0, -1.0);
        assert_eq!(estimate.kbps().unwrap(), 80_000.0);
        assert_eq!(estimate.latency_s(), 0.0);
    }

    #[test]
    fn falls_faster_than_it_rises() {
        let mut up = Throughput::new(2.0);
        let mut down = up.clone();
        (0..20).for_each(|_| up.push(12_500, 1.0, 0.0));
        (0..20).for_each(|_| down.push(125_000, 1.0, 0.0));
        (0..3).for_each(|_| up.push(125_000, 1.0, 0.0));
        (0..3).for_each(|_| down.push(12_500, 1.0, 0.0));
        let risen = (up.kbps().unwrap() - 100.0) / 900.0;
        let fallen = (1000.0 - down.kbps().unwrap()) / 900.0;
        assert!(risen < 0.3 && fallen > 0.45, "{risen} {fallen}");
    }
}
