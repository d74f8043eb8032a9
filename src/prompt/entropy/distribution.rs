//! The probability distribution of a symbol: a fixed, symmetric, heavy-tailed shape with a centre and
//! a scale. The shape is a mixture of three logistic distributions, fitted to residuals of real
//! prompts; its cumulative distribution function is tabulated at compile time by integer recurrence.

use super::log::reciprocal;

/// Bits of a total frequency.
pub(super) const TOTAL_BITS: u32 = 20;
const TOTAL: u64 = 1 << TOTAL_BITS;
/// Fractional bits of a centre.
const FINE_BITS: u32 = 4;

/// Table entries per unit of scale, and scales covered on one side.
const PER_SCALE: usize = 16;
const SCALES: usize = 24;
const ENTRIES: usize = PER_SCALE * SCALES;

/// e^(−1/16), e^(−1/40) and e^(−1/128) in 32 fractional bits: the ratio of neighbouring table entries
/// for logistic distributions of 1, 2.5 and 8 times the scale, each with its weight of 1024.
const PARTS: [(u64, u64); 3] = [
    (4_034_748_382, 950),
    (4_188_924_176, 73),
    (4_261_543_595, 1),
];

/// Cumulative distribution function at i/16 scales above the centre, minus one half, in 24 bits.
static UPPER: [u32; ENTRIES + 1] = {
    let mut table = [0u32; ENTRIES + 1];
    let mut part = 0;
    while part < PARTS.len() {
        let (step, share) = PARTS[part];
        let mut power: u64 = 1 << 32;
        let mut index = 0;
        while index <= ENTRIES {
            // 1/(1 + power) − 1/2, in 24 bits; the weights sum to 1024.
            let value = (1u64 << 57) / ((1 << 32) + power) - (1 << 24);
            table[index] += ((value * share) >> 11) as u32;
            power = (power * step) >> 32;
            index += 1;
        }
        part += 1;
    }
    table
};

/// The distribution of one symbol over a range of integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::prompt) struct Distribution {
    centre: i32,
    reciprocal: u64,
    pub(super) max: i32,
}

impl Distribution {
    /// A distribution over the integers −`max`..=`max` (`max` at most 2^17) around `centre`, in
    /// sixteenths, with a scale of 2^(`log_scale`/32), clamped to 2^−5 to 2^12.
    pub(in crate::prompt) fn new(centre: i32, log_scale: i32, max: i32) -> Self {
        Self {
            centre: centre.clamp(-max << FINE_BITS, max << FINE_BITS),
            reciprocal: reciprocal(log_scale.clamp(-5 * 32, 12 * 32)),
            max,
        }
    }

    /// The integer within the bounds that is nearest to `target`.
    pub(in crate::prompt) fn nearest(&self, target: f32) -> i32 {
        (target.round() as i32).clamp(-self.max, self.max)
    }

    /// Cost of `value` in bits.
    pub(in crate::prompt) fn cost(&self, value: i32) -> f64 {
        let frequency = self.below(value + 1) - self.below(value);
        f64::from(TOTAL_BITS) - libm::log2(frequency as f64)
    }

    /// Derivative of the cost at `value`, in bits per integer: the central difference, 0 at the bounds.
    pub(in crate::prompt) fn slope(&self, value: i32) -> f32 {
        if value.abs() >= self.max {
            return 0.0;
        }
        ((self.cost(value + 1) - self.cost(value - 1)) / 2.0) as f32
    }

    /// The integer nearest to the centre.
    pub(super) fn middle(&self) -> i32 {
        (self.centre + (1 << (FINE_BITS - 1))) >> FINE_BITS
    }

    /// Cumulative frequency of all values below `value`, out of 2^20, for `value` in −max..=max + 1.
    /// Every value has a frequency of at least 1.
    pub(super) fn below(&self, value: i32) -> u64 {
        if value <= -self.max {
            return 0;
        }
        if value > self.max {
            return TOTAL;
        }
        let distance = (value << FINE_BITS) - (1 << (FINE_BITS - 1)) - self.centre;
        let (index, fraction) = table_position(distance.unsigned_abs(), self.reciprocal);
        let upper = match UPPER.get(index..index + 2) {
            Some(&[a, b]) => u64::from(a) + ((u64::from(b - a) * fraction) >> 8),
            _ => u64::from(UPPER[ENTRIES]),
        };
        let half = 1 << 23;
        let share = if distance < 0 {
            half - upper
        } else {
            half + upper
        };
        let values = 2 * self.max as u64 + 1;
        ((share * (TOTAL - values)) >> 24) + (value + self.max) as u64
    }
}

/// Index of the entry below `distance` (in sixteenths), at most [`ENTRIES`], and the fraction between
/// it and the next in 1/256. The product reaches 2^41, so it is clamped before it becomes a `usize`.
fn table_position(distance: u32, reciprocal: u64) -> (usize, u64) {
    let position = (u64::from(distance) * reciprocal) >> 8;
    let index = (position >> 8).min(ENTRIES as u64);
    (index as usize, position & 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_values_stay_in_the_last_entry_where_usize_has_32_bits() {
        // The product is 2^40 and more: its position would begin anew at 0 in 32 bits.
        let widest = Distribution::new(-16_383 << FINE_BITS, -160, 16_383);
        for distance in [1 << 19, (1 << 19) + 5, 1 << 20, u32::MAX] {
            assert_eq!(table_position(distance, widest.reciprocal).0, ENTRIES);
        }
        assert_eq!(table_position(16, reciprocal(0)), (16, 0));
    }

    #[test]
    fn the_table_is_the_mixture() {
        for (index, &value) in UPPER.iter().enumerate() {
            let x = index as f64 / 16.0;
            let logistic = |scale: f64| 1.0 / (1.0 + (-x / scale).exp()) - 0.5;
            let exact = (950.0 * logistic(1.0) + 73.0 * logistic(2.5) + logistic(8.0)) / 1024.0;
            let value = f64::from(value) / f64::from(1 << 24);
            assert!((value - exact).abs() < 1e-6, "{index}");
        }
    }

    #[test]
    fn every_value_has_a_positive_frequency() {
        let scales = [-1000, -160, -33, 0, 5, 100, 384, 1000];
        let centres = [0, 7, -8, 1000, -100_000].into_iter();
        for (centre, scale) in centres.flat_map(|c| scales.map(|s| (c, s))) {
            for max in [1, 7, 127, 2047, 131_071] {
                let distribution = Distribution::new(centre, scale, max);
                let near = distribution.middle().clamp(-max, max);
                assert_eq!(distribution.below(-max), 0);
                assert_eq!(distribution.below(max + 1), TOTAL);
                let mut values = [-max, near - 1, near, near + 1, max].into_iter();
                let rises = |v: i32| distribution.below(v) < distribution.below(v + 1);
                assert!(values.all(|value| value.abs() > max || rises(value)));
            }
        }
    }

    #[test]
    fn the_shape_is_symmetric_and_slopes_point_away_from_the_centre() {
        let distribution = Distribution::new(0, 0, 127);
        let frequency = |value| distribution.below(value + 1) - distribution.below(value);
        assert!(frequency(0) > frequency(1) && frequency(1) > frequency(2));
        for value in 1..=127 {
            assert!(frequency(value).abs_diff(frequency(-value)) <= 1);
        }
        let [below, near, above, far, bound] =
            [-5, 2, 3, 9, 127].map(|value| Distribution::new(40, 0, 127).slope(value));
        assert!(below < -0.5 && near < 0.0 && above > 0.0 && far > 0.5);
        assert_eq!(bound, 0.0);
    }
}
