//! Prompts of the frames between two keyframes. The reference interpolates U and V separately
//! (AAAI-26, inter-frame part, and `generation.py`), which is not linear in the prompt and needs
//! matching factors; interpolating P itself works for any two factorisations. With motion no prompts are
//! interpolated: the keyframes' pictures are warped instead (`crate::flow`).

use super::factors::compose;
use super::{Factors, PromptError};

/// How the frames between two keyframes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Interpolation {
    /// U and V interpolated separately and linearly, as in the reference.
    Factors = 0,
    /// The composed prompt, interpolated linearly.
    Prompt = 1,
    /// The generated pictures of both keyframes, warped along the flow between them and blended.
    Motion = 2,
}

impl Interpolation {
    /// The mode with this number in the container, if there is one.
    pub fn from_id(id: u8) -> Option<Self> {
        match id {
            0 => Some(Self::Factors),
            1 => Some(Self::Prompt),
            2 => Some(Self::Motion),
            _ => None,
        }
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
    if a.shape() != b.shape() || a.full_rank() != b.full_rank() {
        return Err(PromptError::Mismatch {
            left_shape: a.shape(),
            left_rank: a.full_rank(),
            right_shape: b.shape(),
            right_rank: b.full_rank(),
        });
    }
    if !(0.0..=1.0).contains(&t) {
        return Err(PromptError::Position(t));
    }
    Ok(match mode {
        Interpolation::Prompt | Interpolation::Motion => {
            mix(&a.compose(components), &b.compose(components), t)
        }
        Interpolation::Factors => {
            let rank = a.rank().max(b.rank());
            let u = mix(&padded_u(a, rank), &padded_u(b, rank), t);
            let v = mix(&padded_v(a, rank), &padded_v(b, rank), t);
            compose(a.shape(), a.full_rank(), rank, components, &u, &v)
        }
    })
}

/// (1 − t)·a + t·b, exactly `a` at 0 and `b` at 1.
fn mix(a: &[f32], b: &[f32], t: f32) -> Vec<f32> {
    let pairs = a.iter().zip(b);
    pairs.map(|(a, b)| (1.0 - t) * a + t * b).collect()
}

fn padded_u(factors: &Factors, rank: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(factors.shape().tokens * rank);
    for row in factors.u().chunks_exact(factors.rank()) {
        out.extend_from_slice(row);
        out.resize(out.len() + rank - row.len(), 0.0);
    }
    out
}

fn padded_v(factors: &Factors, rank: usize) -> Vec<f32> {
    let mut out = factors.v().to_vec();
    out.resize(rank * factors.shape().dim, 0.0);
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::prompt::Shape;

    fn factors(u: &[f32], v: &[f32]) -> Factors {
        Factors::new(Shape { tokens: 2, dim: 1 }, 4, u.to_vec(), v.to_vec()).unwrap()
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
    }

    #[test]
    fn positions_outside_0_to_1_and_mismatched_prompts_are_errors() {
        let a = factors(&[2.0, 0.3], &[1.7]);
        let foreign = Factors::new(a.shape(), 9, a.u().to_vec(), a.v().to_vec()).unwrap();
        let mode = Interpolation::Prompt;
        assert!(between(&a, &a, f32::NAN, mode, 1).is_err());
        assert!(between(&a, &a, 1.5, mode, 1).is_err());
        assert!(between(&a, &foreign, 0.5, mode, 1).is_err());
    }
}
