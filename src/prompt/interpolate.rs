//! Prompts of the frames between two keyframes. The reference interpolates U and V separately
//! (AAAI-26, inter-frame part, and `generation.py`), which is not linear in the prompt and needs
//! matching factors; interpolating P itself works for any two factorisations. With motion no prompts are
//! interpolated: the keyframes' pictures are warped instead (`crate::flow`).

use super::shape::same_size;
use super::{Factors, PromptError};

/// How the frames between two keyframes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[repr(u8)]
pub enum Interpolation {
    /// U and V interpolated separately and linearly, as in the reference.
    #[cfg_attr(feature = "cli", value(skip))]
    Factors = 0,
    /// Interpolated prompts, as published: one pass of the generator a frame.
    Prompt = 1,
    /// Pictures of both keyframes, moved along the motion between them and blended.
    Motion = 2,
}

impl Interpolation {
    /// The mode with this number in the container, if there is one.
    pub fn from_id(id: u8) -> Option<Self> {
        let all = [Self::Factors, Self::Prompt, Self::Motion];
        all.into_iter().find(|&mode| mode as u8 == id)
    }
}

/// The composed prompt (tokens × dim, row-major) at position `t` from `a` (0) to `b` (1), with the first
/// `components` of each. A component that one of them lacks counts as zero there.
/// [`Interpolation::Motion`] is treated as [`Interpolation::Prompt`].
///
/// Fails if shapes or full ranks differ or `t` is outside 0..=1.
pub fn between(
    a: &Factors,
    b: &Factors,
    t: f32,
    mode: Interpolation,
    components: usize,
) -> Result<Vec<f32>, PromptError> {
    same_size((a.shape(), a.full_rank()), (b.shape(), b.full_rank()))?;
    if !(0.0..=1.0).contains(&t) {
        let text = format!("interpolation position {t} is outside 0 to 1");
        return Err(PromptError::Unfit(text));
    }
    // Exactly `a` at 0 and `b` at 1.
    let mix = |a: &[f32], b: &[f32]| -> Vec<f32> {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| (1.0 - t) * a + t * b).collect()
    };
    if mode != Interpolation::Factors {
        return Ok(mix(&a.compose(components), &b.compose(components)));
    }
    let rank = a.rank().max(b.rank());
    let (mut a, b) = (a.resized(rank), b.resized(rank));
    (a.u, a.v) = (mix(&a.u, &b.u), mix(&a.v, &b.v));
    Ok(a.compose(components))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::prompt::Shape;

    fn factors(u: &[f32], v: &[f32]) -> Factors {
        Factors::new(Shape::new(2, 1), 4, u.to_vec(), v.to_vec()).unwrap()
    }

    #[test]
    fn factor_and_prompt_modes_differ_by_the_cross_terms() {
        let (a, b) = (factors(&[2.0, 0.0], &[2.0]), factors(&[0.0, 2.0], &[4.0]));
        let at = |mode| between(&a, &b, 0.5, mode, 1).unwrap();
        assert_eq!(at(Interpolation::Prompt), [1.0, 2.0]);
        assert_eq!(at(Interpolation::Factors), [1.5, 1.5]);
    }

    #[test]
    fn ends_are_exact_and_absent_components_are_zero() {
        let a = factors(&[2.0, 0.3], &[1.7]);
        let b = factors(&[1.0, 2.0, 3.0, 4.0], &[1.0, 2.0]);
        for mode in [Interpolation::Factors, Interpolation::Prompt] {
            assert_eq!(between(&a, &b, 0.0, mode, 2).unwrap(), a.compose(1));
            assert_eq!(between(&a, &b, 1.0, mode, 2).unwrap(), b.compose(2));
            assert_eq!(between(&a, &b, 1.0, mode, 1).unwrap(), b.compose(1));
        }
        let foreign = Factors::new(a.shape(), 9, a.u().to_vec(), a.v().to_vec()).unwrap();
        for (b, t) in [(&b, f32::NAN), (&b, 1.5), (&foreign, 0.5)] {
            assert!(between(&a, b, t, Interpolation::Prompt, 1).is_err());
        }
    }
}
