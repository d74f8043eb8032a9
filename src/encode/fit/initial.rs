//! Initial factors of the keyframes from the encoder network's prompts of all frames, in closed form.
//!
//! 1. The keyframes' prompts minimise the squared error of their linear interpolation against the
//!    predicted prompts of all fitted frames: a tridiagonal system in the number of keyframes. If only
//!    keyframes are fitted, they are the predicted prompts.
//! 2. A joint singular value decomposition of all keyframes gives a shared V with orthonormal rows,
//!    ordered by energy; U_k = √R·P_k·Vᵀ. Every prefix of the components is then optimal for its rank.
//!    If every keyframe has its own V, each is decomposed separately.

use super::eigen::symmetric_eigen;
use super::prompts::Prompts;
use crate::model::noise::RandomState;
use crate::prompt::CodingParameters;
use crate::segment::keyframes::bracket;

/// The prompts of the keyframes at `positions` whose linear interpolation fits `predicted` best: frames
/// (all keyframes included) and their composed prompts, tokens × dim.
pub(super) fn keyframe_prompts<'a>(
    predicted: impl Iterator<Item = (u32, &'a Vec<f32>)>,
    positions: &[u32],
) -> Vec<Vec<f64>> {
    let count = positions.len();
    let mut right = vec![Vec::new(); count];
    let mut diagonal = vec![0.0_f64; count];
    let mut beside = vec![0.0_f64; count];
    for (frame, prompt) in predicted {
        let Some((from, to, t)) = bracket(positions, frame) else {
            continue;
        };
        let t = f64::from(t);
        // A keyframe brackets itself: its weight is 1.
        let weights = if from == to {
            &[(to, 1.0)][..]
        } else {
            &[(from, 1.0 - t), (to, t)]
        };
        for &(keyframe, weight) in weights {
            diagonal[keyframe] += weight * weight;
            right[keyframe].resize(prompt.len(), 0.0);
            for (sum, &value) in right[keyframe].iter_mut().zip(prompt) {
                *sum += weight * f64::from(value);
            }
        }
        if from != to {
            beside[from] += (1.0 - t) * t;
        }
    }
    solve_tridiagonal(diagonal, &beside, right)
}

/// Solves a symmetric positive definite tridiagonal system (Thomas' algorithm): `beside[k]` couples
/// unknowns k and k + 1.
fn solve_tridiagonal(
    mut diagonal: Vec<f64>,
    beside: &[f64],
    mut right: Vec<Vec<f64>>,
) -> Vec<Vec<f64>> {
    for k in 1..diagonal.len() {
        let factor = beside[k - 1] / diagonal[k - 1];
        diagonal[k] -= factor * beside[k - 1];
        let (done, open) = right.split_at_mut(k);
        for (value, &above) in open[0].iter_mut().zip(&done[k - 1]) {
            *value -= factor * above;
        }
    }
    for k in (0..diagonal.len()).rev() {
        let (open, done) = right.split_at_mut(k + 1);
        let coupling = beside[k];
        let below = done.first();
        for (i, value) in open[k].iter_mut().enumerate() {
            let known = below.map_or(0.0, |below| coupling * below[i]);
            *value = (*value - known) / diagonal[k];
        }
    }
    right
}

/// The factors of `keyframes` (composed prompts): as many components of their joint decomposition as
/// `coding` has.
pub(super) fn joint_factors(keyframes: &[Vec<f64>], coding: &CodingParameters) -> Prompts {
    let dim = coding.shape.dim;
    let mut gram = vec![0.0_f64; dim * dim];
    for row in keyframes.iter().flat_map(|prompt| prompt.chunks_exact(dim)) {
        for (i, &left) in row.iter().enumerate() {
            for (sum, &right) in gram[i * dim..(i + 1) * dim].iter_mut().zip(row) {
                *sum += left * right;
            }
        }
    }
    let (_, vectors) = symmetric_eigen(&gram, dim);
    let v = &vectors[..coding.components * dim];
    let scale = (coding.full_rank as f64).sqrt();
    let coordinate = |row: &[f64], direction: &[f64]| -> f32 {
        let sum: f64 = row.iter().zip(direction).map(|(x, y)| x * y).sum();
        (scale * sum) as f32
    };
    let u = keyframes.iter().map(|prompt| {
        let rows = prompt.chunks_exact(dim);
        rows.flat_map(|row| v.chunks_exact(dim).map(move |d| coordinate(row, d)))
            .collect()
    });
    Prompts {
        shape: coding.shape,
        full_rank: coding.full_rank,
        u: u.collect(),
        v: vec![v.iter().map(|&x| x as f32).collect()],
    }
}

/// The factors of `keyframes`, each decomposed separately.
pub(super) fn separate_factors(keyframes: &[Vec<f64>], coding: &CodingParameters) -> Prompts {
    let each = keyframes.chunks(1).map(|one| joint_factors(one, coding));
    let (u, v): (Vec<_>, Vec<_>) = each.map(|one| (one.u, one.v)).unzip();
    Prompts {
        shape: coding.shape,
        full_rank: coding.full_rank,
        u: u.concat(),
        v: v.concat(),
    }
}

/// Initial factors of the reference for one keyframe: U and V uniform in 0..1 from `seed`; V's rows are
/// then normalised and U's columns scaled by their lengths, which does not change the prompt.
pub(super) fn uniform_factors(coding: &CodingParameters, seed: u32) -> Prompts {
    let (shape, rank) = (coding.shape, coding.components);
    let mut random = RandomState::new(seed);
    let mut draw = |count: usize| -> Vec<f32> {
        let numbers = std::iter::repeat_with(|| random.uniform() as f32);
        numbers.take(count).collect()
    };
    let (mut u, mut v) = (draw(shape.tokens * rank), draw(rank * shape.dim));
    for (j, row) in v.chunks_exact_mut(shape.dim).enumerate() {
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        let length = length.max(f32::MIN_POSITIVE);
        row.iter_mut().for_each(|x| *x /= length);
        let column = u.iter_mut().skip(j).step_by(rank);
        column.for_each(|x| *x *= length);
    }
    Prompts {
        shape,
        full_rank: coding.full_rank,
        u: vec![u],
        v: vec![v],
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{joint_factors, keyframe_prompts};
    use crate::prompt::{CodingId, CodingParameters, Quantiser, Shape};
    use crate::segment::keyframes::keyframe_positions;

    fn wave(i: usize) -> f64 {
        (i as f64 * 0.737).sin()
    }

    #[test]
    fn piecewise_linear_prompts_are_recovered() {
        let positions = keyframe_positions(27, 10);
        let key = |k: usize| (0..5).map(|i| wave(k * 5 + i)).collect();
        let keys: Vec<Vec<f64>> = (0..positions.len()).map(key).collect();
        let frame = |f| {
            let (a, b, t) = super::bracket(&positions, f).unwrap();
            let (pairs, t) = (keys[a].iter().zip(&keys[b]), f64::from(t));
            pairs.map(|(x, y)| ((1.0 - t) * x + t * y) as f32).collect()
        };
        let frames: Vec<Vec<f32>> = (0..27).map(frame).collect();
        let found = keyframe_prompts((0..).zip(&frames), &positions);
        for (x, y) in found.iter().flatten().zip(keys.iter().flatten()) {
            assert!((x - y).abs() < 1e-5);
        }
    }

    #[test]
    fn components_are_ordered_by_energy_and_complete() {
        let coding = CodingParameters {
            coding: CodingId::Layered,
            shape: Shape::new(6, 4),
            grid_width: 0,
            components: 4,
            full_rank: 16,
            quantiser: Quantiser::new(8, 8),
        };
        let keyframe = |k: usize| (0..24).map(|i| wave(k * 24 + i * i)).collect();
        let keyframes: Vec<Vec<f64>> = (0..3).map(keyframe).collect();
        let prompts = joint_factors(&keyframes, &coding);
        let factors = prompts.factors().unwrap();
        let energy = |j| -> f32 {
            let entries = factors.iter().flat_map(|f| f.u_column(j));
            entries.map(|x| x * x).sum()
        };
        assert!((1..4).all(|j| energy(j - 1) >= energy(j)));
        for (factors, prompt) in factors.iter().zip(&keyframes) {
            for (a, b) in factors.compose(4).iter().zip(prompt) {
                assert!((f64::from(*a) - b).abs() < 1e-5);
            }
        }
    }
}
