//! Sums, weighted means and quantiles, and means with bootstrap intervals (Efron, 1979). The bootstrap
//! is seeded: equal figures have equal intervals.

use crate::player::random::Random;

const ROUNDS: usize = 1000;
/// Quantiles at the ends of the interval: 95 %.
const ENDS: [f64; 2] = [0.025, 0.975];

/// A mean and the ends of its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The mean of the finite `values`, with the interval of `ROUNDS` resamples drawn from `seed`; NaN
/// without any.
pub fn bootstrap(values: &[f64], seed: u64) -> Estimate {
    let values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    let count = values.len();
    if count == 0 {
        let [mean, low, high] = [f64::NAN; 3];
        return Estimate { mean, low, high };
    }
    let mut random = Random::new(seed);
    let mut resampled = || {
        let drawn = (0..count).map(|_| values[(random.unit() * count as f64) as usize]);
        drawn.sum::<f64>() / count as f64
    };
    let mut means: Vec<f64> = (0..ROUNDS).map(|_| resampled()).collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[((ROUNDS - 1) as f64 * share).round() as usize];
    Estimate {
        mean: values.iter().sum::<f64>() / count as f64,
        low: at(ENDS[0]),
        high: at(ENDS[1]),
    }
}

/// The sum, +0 if empty (`Iterator::sum` gives −0).
pub(crate) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |sum, value| sum + value)
}

/// `part / whole`, 0 if `whole` is 0.
pub(crate) fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

pub(crate) fn weighted_mean(samples: &[(f64, f64)]) -> f64 {
    let weight = sum(samples.iter().map(|sample| sample.1));
    let total = sum(samples.iter().map(|(value, weight)| value * weight));
    ratio(total, weight)
}

/// The share of the weight whose value exceeds `limit`.
pub(crate) fn share_over(samples: &[(f64, f64)], limit: f64) -> f64 {
    let weight = sum(samples.iter().map(|sample| sample.1));
    let over = samples.iter().filter(|sample| sample.0 > limit);
    ratio(sum(over.map(|sample| sample.1)), weight)
}

/// The least value such that at least the share `quantile` of the weight lies at or below it.
pub(crate) fn weighted_quantile(samples: &mut [(f64, f64)], quantile: f64) -> f64 {
    samples.sort_by(|a, b| a.0.total_cmp(&b.0));
    let aim = quantile * sum(samples.iter().map(|sample| sample.1));
    let mut below = 0.0;
    for &(value, weight) in samples.iter() {
        below += weight;
        if weight > 0.0 && below >= aim {
            return value;
        }
    }
    samples.last().map_or(0.0, |sample| sample.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_as_wide_as_the_theory_says() {
        let values: Vec<f64> = (0..400).map(|i| f64::from(i % 100)).collect();
        let found = bootstrap(&values, 1);
        assert_eq!(found, bootstrap(&values, 1));
        assert_ne!(found, bootstrap(&values, 2));
        assert_eq!(found.mean, 49.5);
        // 1.96 standard errors of a uniform distribution of 100 steps.
        let half = 1.96 * (9999.0f64 / 12.0).sqrt() / 20.0;
        let width = found.high - found.low;
        assert!((width - 2.0 * half).abs() < 0.6, "{found:?}");
        assert!(bootstrap(&[f64::NAN], 1).mean.is_nan());
        let one = bootstrap(&[3.0], 1);
        assert_eq!((one.low, one.high), (3.0, 3.0));
    }
}
