//! From real factors to integers and back: the reference's 8-bit affine map, and the uniform
//! steps of the layered coding. Knows no bytes and no prediction.
//!
//! With an orthonormal V an error in U is the same error in P, whichever component it is in; so
//! the least squared error at a given rate has one step for all components (reverse
//! water-filling), and V's rows deserve a precision that grows with the energy of their column.

use super::error::in_range;
use super::{Factors, PromptError};

/// The reference's quantiser (coding id 0): value = scale · (q − zero_point), q in 0..=255, one
/// pair for a whole factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine8 {
    /// Value of one level; positive.
    pub scale: f32,
    /// The level of value 0; the reference rounds it to an integer.
    pub zero_point: f32,
}

impl Affine8 {
    /// The map whose 256 levels span the values and 0.
    pub fn spanning(values: &[f32]) -> Self {
        let low = values.iter().copied().fold(0.0f32, f32::min);
        let high = values.iter().copied().fold(0.0f32, f32::max);
        let scale = ((high - low) / 255.0).max(f32::MIN_POSITIVE);
        Self {
            scale,
            zero_point: (-low / scale).round().clamp(0.0, 255.0),
        }
    }

    /// The level nearest to `value`.
    pub fn quantise(self, value: f32) -> u8 {
        (value / self.scale + self.zero_point)
            .round()
            .clamp(0.0, 255.0) as u8
    }

    /// The value of level `q`.
    pub fn value(self, q: u8) -> f32 {
        self.scale * (f32::from(q) - self.zero_point)
    }
}

/// Widths of the integers of the layered coding, a parameter of the track: |q| < 2^(bits − 1).
/// They bound what a decoder accepts; the rate follows from the [`Steps`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantiser {
    /// Bits of an entry of U, 2 to 12.
    pub u_bits: u8,
    /// Bits of an entry of V, 2 to 15.
    pub v_bits: u8,
}

impl Quantiser {
    /// The width of the reference's integers.
    pub const REFERENCE: Self = Self::new(8, 8);

    /// `u_bits` for an entry of U, `v_bits` for an entry of V.
    pub const fn new(u_bits: u8, v_bits: u8) -> Self {
        Self { u_bits, v_bits }
    }

    /// Fails with [`PromptError::OutOfRange`] unless both widths are within their limits.
    pub fn check(self) -> Result<Self, PromptError> {
        in_range("quantiser width of U", self.u_bits.into(), 2..=12)?;
        in_range("quantiser width of V", self.v_bits.into(), 2..=15)?;
        Ok(self)
    }

    /// Largest magnitude of an entry of U.
    pub fn u_max(self) -> i32 {
        (1 << (self.u_bits - 1)) - 1
    }

    /// Largest magnitude of an entry of V.
    pub fn v_max(self) -> i32 {
        (1 << (self.v_bits - 1)) - 1
    }
}

/// A uniform quantiser step as the one byte that is sent: 2^(code/8 − 20), so from 1e-6 to 3900
/// in increments of nine per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StepCode(pub(super) u8);

/// Mantissa bits of 2^(k/8) as an f32.
const EIGHTH_POWERS: [u32; 8] = [
    0x000000, 0x0b95c2, 0x1837f0, 0x25fed7, 0x3504f3, 0x45672a, 0x5744fd, 0x6ac0c7,
];

impl StepCode {
    /// The smallest step that is at least `step`, or the largest step.
    pub(super) fn at_least(step: f32) -> Self {
        (0..=255)
            .map(Self)
            .find(|code| code.value() >= step)
            .unwrap_or(Self(255))
    }

    pub(super) fn value(self) -> f32 {
        let exponent = 127 - 20 + u32::from(self.0 >> 3);
        f32::from_bits(exponent << 23 | EIGHTH_POWERS[usize::from(self.0 & 7)])
    }
}

/// The steps of every component of a segment, chosen by the encoder and sent in the layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps {
    pub(super) u: Vec<StepCode>,
    pub(super) v: Vec<StepCode>,
}

impl Steps {
    /// One step (in units of U) for all components: optimal in squared error at a given rate if V is
    /// orthonormal. A component too large for the quantiser's width gets a larger one. Steps are rounded
    /// up to the nine per cent grid that is transmitted.
    ///
    /// Fails on an empty segment, keyframes of different rank, or a step that is not positive.
    pub fn uniform(
        segment: &[Factors],
        quantiser: Quantiser,
        step: f32,
    ) -> Result<Self, PromptError> {
        quantiser.check()?;
        let what = "number of keyframes in a segment";
        in_range(what, segment.len(), 1..=usize::MAX)?;
        let (what, rank) = ("rank (all keyframes must agree)", segment[0].rank());
        for keyframe in segment {
            in_range(what, keyframe.rank(), rank..=rank)?;
        }
        let mut steps = Self {
            u: Vec::with_capacity(rank),
            v: Vec::with_capacity(rank),
        };
        for component in 0..rank {
            let column = || segment.iter().flat_map(|k| k.u_column(component));
            let row = segment.iter().flat_map(|k| k.v_row(component)).copied();
            let least = largest(column()) / quantiser.u_max() as f32;
            let u_step = code(component, if step > 0.0 { least.max(step) } else { step })?;
            let energy: f64 = column().map(f64::from).map(|value| value * value).sum();
            let fine = f64::from(u_step.value()) / energy.sqrt().max(1e-12);
            let least = largest(row) / quantiser.v_max() as f32;
            let v_step = code(component, least.max(fine.min(1.0) as f32))?;
            steps.u.push(u_step);
            steps.v.push(v_step);
        }
        Ok(steps)
    }

    /// Steps of 1 for `components` components: factors that are integers within the quantiser's
    /// width are coded without loss.
    pub fn whole(components: usize) -> Self {
        let u = vec![StepCode(160); components];
        Self { v: u.clone(), u }
    }
}

fn largest(values: impl Iterator<Item = f32>) -> f32 {
    values.fold(0.0, |most, value| most.max(value.abs()))
}

fn code(component: usize, step: f32) -> Result<StepCode, PromptError> {
    let code = StepCode::at_least(step);
    if step > 0.0 && code.value() >= step {
        return Ok(code);
    }
    let text = format!("quantiser step {step} of component {component} cannot be coded");
    Err(PromptError::Unfit(text))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::prompt::Shape;

    #[test]
    fn step_codes_are_exact_eighths_of_an_octave() {
        assert_eq!(StepCode(160).value(), 1.0);
        assert_eq!(StepCode(0).value(), 2f32.powi(-20));
        for code in 0..=255u8 {
            let exact = (f64::from(code) / 8.0 - 20.0).exp2();
            assert!((f64::from(StepCode(code).value()) / exact - 1.0).abs() < 1e-7);
        }
        for code in 1..=255 {
            assert!(StepCode(code).value() > StepCode(code - 1).value());
            assert_eq!(StepCode::at_least(StepCode(code).value()), StepCode(code));
        }
    }

    #[test]
    fn affine_levels_span_the_values() {
        let map = Affine8::spanning(&[-1.0, 0.5, 4.1]);
        assert_eq!((map.quantise(-1.0), map.quantise(4.1)), (0, 255));
        assert_eq!(map.value(map.quantise(0.0)), 0.0);
        for q in 0..=255 {
            assert_eq!(map.quantise(map.value(q)), q);
        }
        assert_eq!(Affine8::spanning(&[0.0]).quantise(0.0), 0);
    }

    #[test]
    fn steps_keep_every_value_within_the_width() {
        let (u, v) = ([100.0, 0.1, -300.0, 0.2], [0.6, 0.8, -0.8, 0.6]);
        let keyframe = Factors::new(Shape::new(2, 2), 2, u.into(), v.into()).unwrap();
        let quantiser = Quantiser::new(6, 12);
        let uniform = |step| Steps::uniform(std::slice::from_ref(&keyframe), quantiser, step);
        let steps = uniform(1.0).unwrap();
        let [wide, narrow] = [0, 1].map(|j| steps.u[j].value());
        assert_eq!(narrow, 1.0);
        assert!((1.0..1.1).contains(&(wide * 31.0 / 300.0)), "{wide}");
        assert!(steps.v[0] < steps.v[1]);
        for step in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e30] {
            let error = uniform(step).unwrap_err().to_string();
            assert!(error.ends_with("of component 0 cannot be coded"), "{error}");
        }
        assert!(Steps::uniform(&[], quantiser, 1.0).is_err());
    }
}
