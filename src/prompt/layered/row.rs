//! The context model of V: each row is a short list of integers, usually sent once per segment.
//!
//! Rows of a joint SVD are orthonormal. So the energy not yet used in the row and in each column
//! predicts the magnitude of the next entry, without fitted parameters. Other rows send their scale.

use crate::prompt::entropy::{Coder, Distribution, OCTAVE, log2};

/// 1 in energies, which have 32 fractional bits.
const ONE: u64 = 1 << 32;
/// Least energy left in a column: quantised rows are not quite orthonormal.
const LEAST: u64 = ONE / 333;
/// Least expected energy of an entry, with 24 fractional bits.
const FLOOR: u64 = 1678;
/// Scale of the distribution in units of the expected magnitude, in 1/32 octaves.
const SPREAD: i32 = -29;
/// 2^(k/4) with 16 fractional bits.
const QUARTER_POWERS: [u64; 4] = [65_536, 77_936, 92_682, 110_218];

/// Energy not yet used by the rows of one keyframe in each column.
#[derive(Debug)]
pub(super) struct Energy(Vec<u64>);

impl Energy {
    pub(super) fn new(dim: usize) -> Self {
        Self(vec![ONE; dim])
    }

    /// Subtracts a row with the step code `step`.
    pub(super) fn take(&mut self, row: &[i32], step: u8) {
        for (left, &value) in self.0.iter_mut().zip(row) {
            *left = left.saturating_sub(energy(value, step)).max(LEAST);
        }
    }
}

/// (value · 2^(step/8 − 20))², at most 1.
fn energy(value: i32, step: u8) -> u64 {
    let square = u128::from(value.unsigned_abs()) * u128::from(value.unsigned_abs());
    let scaled = square * u128::from(QUARTER_POWERS[usize::from(step & 3)]);
    (scaled << (step >> 2) >> 24).min(ONE.into()) as u64
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Unchanged since the previous keyframe.
    Same,
    /// As a row of an orthonormal basis.
    Orthonormal,
    /// As a difference from the previous keyframe, with an explicit scale.
    Change,
    /// Absolute, with an explicit scale.
    Plain,
}

/// Codes one row of one keyframe: input `targets` (in steps), output `row`, which holds the previous
/// keyframe's row or zeros if this is the `first`.
pub(super) fn code(
    coder: &mut impl Coder,
    energy: &mut Energy,
    row: &mut [i32],
    step: u8,
    max: i32,
    first: bool,
    targets: &[f32],
) {
    match form(coder, first, choose(energy, row, step, max, targets)) {
        Form::Same => {}
        Form::Orthonormal => orthonormal(coder, energy, row, step, max, targets),
        form => scaled(coder, row, max, form == Form::Change, targets),
    }
    energy.take(row, step);
}

fn form(coder: &mut impl Coder, first: bool, target: Form) -> Form {
    if !first {
        if coder.flag(252, target == Form::Same) {
            return Form::Same;
        }
        if coder.flag(128, target == Form::Change) {
            return Form::Change;
        }
    }
    if coder.flag(240, target == Form::Orthonormal) {
        Form::Orthonormal
    } else {
        Form::Plain
    }
}

/// The cheapest form for the encoder's targets; arbitrary for a decoder.
fn choose(energy: &Energy, row: &[i32], step: u8, max: i32, targets: &[f32]) -> Form {
    if targets.is_empty() {
        return Form::Same;
    }
    let target = |target: &f32| (target.round() as i32).clamp(-max, max);
    let wanted: Vec<i32> = targets.iter().map(target).collect();
    if wanted == row {
        return Form::Same;
    }
    let cost = |form: Form| {
        let mut meter = Meter::default();
        let mut row = row.to_vec();
        match form {
            Form::Orthonormal => orthonormal(&mut meter, energy, &mut row, step, max, targets),
            form => scaled(&mut meter, &mut row, max, form == Form::Change, targets),
        }
        meter.bits
    };
    let forms = [Form::Orthonormal, Form::Change, Form::Plain];
    let costs = forms.map(|form| (cost(form), form)).into_iter();
    let least = costs.min_by(|(a, _), (b, _)| a.total_cmp(b));
    least.map_or(Form::Plain, |(_, form)| form)
}

fn orthonormal(
    coder: &mut impl Coder,
    energy: &Energy,
    row: &mut [i32],
    step: u8,
    max: i32,
    targets: &[f32],
) {
    let mut own = ONE;
    let mut later: u64 = energy.0.iter().map(|left| left >> 8).sum();
    for (at, (value, left)) in row.iter_mut().zip(&energy.0).enumerate() {
        let share = (own >> 8) * (left >> 8) / later.max(1);
        let magnitude = (log2((share + FLOOR) as i32) - 24 * OCTAVE) / 2;
        let scale = magnitude + SPREAD - 4 * (i32::from(step) - 160);
        let target = targets.get(at).copied().unwrap_or(0.0);
        *value = coder.integer(&Distribution::new(0, scale, max), target);
        own = own.saturating_sub(self::energy(*value, step));
        later -= left >> 8;
    }
}

fn scaled(coder: &mut impl Coder, row: &mut [i32], max: i32, change: bool, targets: &[f32]) {
    let centres: Vec<i32> = row
        .iter()
        .map(|&value| if change { value } else { 0 })
        .collect();
    let pairs = targets.iter().zip(&centres);
    let sum: f32 = pairs
        .map(|(target, &centre)| (target - centre as f32).abs())
        .sum();
    // A logistic distribution's mean magnitude is 1.39 scales; half octaves from 2^−5 up.
    let mean = (sum / row.len().max(1) as f32 * 11.5) as i32;
    let target = (log2(mean) - 4 * OCTAVE).div_euclid(OCTAVE / 2) + 10;
    let scale = coder.bits(6, target.clamp(0, 63) as u32) as i32 - 10;
    for (at, (value, centre)) in row.iter_mut().zip(centres).enumerate() {
        let distribution = Distribution::new(16 * centre, scale * OCTAVE / 2, max);
        *value = coder.integer(&distribution, targets.get(at).copied().unwrap_or(0.0));
    }
}

/// A coder that only counts bits.
#[derive(Debug, Default)]
struct Meter {
    bits: f64,
}

impl Coder for Meter {
    fn integer(&mut self, distribution: &Distribution, target: f32) -> i32 {
        let value = distribution.nearest(target);
        self.bits += distribution.cost(value);
        value
    }

    fn flag(&mut self, _: u8, target: bool) -> bool {
        target
    }

    fn bits(&mut self, count: u32, target: u32) -> u32 {
        self.bits += f64::from(count);
        target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energies_are_squares() {
        assert_eq!(energy(1, 160), ONE);
        assert_eq!(energy(3, 140), (9 * ONE) >> 5);
        assert_eq!(energy(-1, 0), 0);
        assert_eq!(energy(i32::MIN, 255), ONE);
        let exact = |q: f64, step: f64| (q * (step / 8.0 - 20.0).exp2()).powi(2) * ONE as f64;
        for step in 60..108 {
            let relative = energy(77, step) as f64 / exact(77.0, f64::from(step));
            assert!((relative - 1.0).abs() < 1e-4, "{step}");
        }
    }
}
