//! The unknowns of a fit: one U a keyframe and the V that a segment shares, and how a gradient
//! with respect to a composed prompt becomes one of the factors.

use super::InvertError;
use crate::prompt::{Factors, Shape};

/// The factors of all keyframes of a segment, not quantised.
#[derive(Debug, Clone)]
pub(super) struct Prompts {
    pub(super) shape: Shape,
    pub(super) full_rank: usize,
    /// Per keyframe, tokens × rank, row-major.
    pub(super) u: Vec<Vec<f32>>,
    /// rank × dim, row-major.
    pub(super) v: Vec<f32>,
}

/// A gradient of the same layout as [`Prompts`].
#[derive(Debug, Clone)]
pub(super) struct Gradient {
    pub(super) u: Vec<Vec<f64>>,
    pub(super) v: Vec<f64>,
}

impl Prompts {
    /// One prompt a keyframe, as the coder takes them.
    pub(super) fn factors(&self) -> Result<Vec<Factors>, InvertError> {
        let factors = self
            .u
            .iter()
            .map(|u| Factors::new(self.shape, self.full_rank, u.clone(), self.v.clone()));
        Ok(factors.collect::<Result<_, _>>()?)
    }

    /// Fails unless every number is finite; `pass` is named in the error.
    pub(super) fn check(&self, pass: u32) -> Result<(), InvertError> {
        let finite = |values: &[f32]| values.iter().all(|x| x.is_finite());
        let wrong = self.u.iter().position(|u| !finite(u));
        match wrong.or_else(|| (!finite(&self.v)).then_some(0)) {
            Some(keyframe) => Err(InvertError::Diverged { keyframe, pass }),
            None => Ok(()),
        }
    }

    /// Pulls every entry of U towards 0 by `amount`, stopping there: small entries cost bytes.
    pub(super) fn shrink(&mut self, amount: f32) {
        for x in self.u.iter_mut().flatten() {
            *x -= x.signum() * amount.min(x.abs());
        }
    }

    /// Becomes `keep` parts of itself and the rest of `other`.
    pub(super) fn blend(&mut self, other: &Self, keep: f32) {
        let mix = |ours: &mut [f32], theirs: &[f32]| {
            for (x, y) in ours.iter_mut().zip(theirs) {
                *x = keep * *x + (1.0 - keep) * y;
            }
        };
        for (ours, theirs) in self.u.iter_mut().zip(&other.u) {
            mix(ours, theirs);
        }
        mix(&mut self.v, &other.v);
    }

    /// An all-zero gradient of this layout.
    pub(super) fn zero_gradient(&self) -> Gradient {
        Gradient {
            u: self.u.iter().map(|u| vec![0.0; u.len()]).collect(),
            v: vec![0.0; self.v.len()],
        }
    }
}

impl Gradient {
    /// Adds the share of keyframe `keyframe`, which entered a composed prompt with `weight` and its
    /// first `components` components. `prompt_gradient` is that of the composed prompt; `seen` are
    /// the factors it was composed from (rounding is passed straight through).
    pub(super) fn add(
        &mut self,
        (keyframe, weight): (usize, f64),
        components: usize,
        prompt_gradient: &[f32],
        seen: &Factors,
    ) {
        let (dim, rank) = (seen.shape().dim, seen.rank());
        let scale = weight / (seen.full_rank() as f64).sqrt();
        let rows = prompt_gradient.chunks_exact(dim);
        let u_rows = self.u[keyframe].chunks_exact_mut(rank);
        for ((row, u_row), u) in rows.zip(u_rows).zip(seen.u().chunks_exact(rank)) {
            for j in 0..components.min(rank) {
                let v_row = &mut self.v[j * dim..(j + 1) * dim];
                let mut along = 0.0;
                for ((&g, &v), v_gradient) in row.iter().zip(seen.v_row(j)).zip(v_row) {
                    let g = f64::from(g);
                    along += g * f64::from(v);
                    *v_gradient += scale * g * f64::from(u[j]);
                }
                u_row[j] += scale * along;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Prompts;
    use crate::prompt::Shape;

    /// Σ readout ⊙ P for keyframe 1 at weight 0.25, cut to two of three components.
    fn loss(prompts: &Prompts, readout: &[f32]) -> f64 {
        let p = prompts.factors().unwrap()[1].compose(2);
        let pairs = p.iter().zip(readout);
        0.25 * pairs.map(|(a, b)| f64::from(a * b)).sum::<f64>()
    }

    #[test]
    fn the_chain_rule_agrees_with_differences() {
        let wave = |i: usize| ((i * i + 3) as f32 * 0.61).sin();
        let shape = Shape { tokens: 4, dim: 5 };
        let prompts = Prompts {
            shape,
            full_rank: 6,
            u: vec![(0..12).map(wave).collect(), (12..24).map(wave).collect()],
            v: (24..39).map(wave).collect(),
        };
        let readout: Vec<f32> = (40..60).map(wave).collect();
        let mut gradient = prompts.zero_gradient();
        let seen = &prompts.factors().unwrap()[1];
        gradient.add((1, 0.25), 2, &readout, seen);
        assert!(gradient.u[0].iter().all(|&g| g == 0.0));

        let difference = |change: &dyn Fn(&mut Prompts, f32)| {
            let at = |by: f32| {
                let mut moved = prompts.clone();
                change(&mut moved, by);
                loss(&moved, &readout)
            };
            (at(0.01) - at(-0.01)) / 0.02
        };
        for i in 0..12 {
            let expected = difference(&|p, by| p.u[1][i] += by);
            assert!((gradient.u[1][i] - expected).abs() < 1e-4, "u {i}");
        }
        for i in 0..15 {
            let expected = difference(&|p, by| p.v[i] += by);
            assert!((gradient.v[i] - expected).abs() < 1e-4, "v {i}");
        }
    }
}
