//! The parameters of a fit: one U per keyframe and a shared V (or one per keyframe), and the chain rule
//! from composed prompts to factors.

use crate::encode::EncodeError;
use crate::prompt::{Factors, Shape};

/// The unquantised factors of all keyframes of a segment.
#[derive(Debug, Clone)]
pub(super) struct Prompts {
    pub(super) shape: Shape,
    pub(super) full_rank: usize,
    /// Per keyframe, tokens × rank, row-major.
    pub(super) u: Vec<Vec<f32>>,
    /// One for all keyframes, or one per keyframe: rank × dim, row-major.
    pub(super) v: Vec<Vec<f32>>,
}

/// A gradient of the same layout as [`Prompts`].
#[derive(Debug, Clone)]
pub(super) struct Gradient {
    pub(super) u: Vec<Vec<f64>>,
    pub(super) v: Vec<Vec<f64>>,
}

/// One keyframe's part in a composed prompt.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share<'a> {
    pub(super) keyframe: usize,
    pub(super) weight: f64,
    pub(super) components: usize,
    /// The decoded factors (straight-through estimator for rounding).
    pub(super) seen: &'a Factors,
}

impl Prompts {
    /// One prompt per keyframe, input of the coder.
    pub(super) fn factors(&self) -> Result<Vec<Factors>, EncodeError> {
        let factors = self.u.iter().enumerate().map(|(k, u)| {
            let v = self.v[k.min(self.v.len() - 1)].clone();
            Factors::new(self.shape, self.full_rank, u.clone(), v)
        });
        Ok(factors.collect::<Result<_, _>>()?)
    }

    /// Fails if a number is not finite; `pass` is for the error.
    pub(super) fn check(&self, pass: u32) -> Result<(), EncodeError> {
        let finite = |values: &[f32]| values.iter().all(|x| x.is_finite());
        let wrong = |all: &[Vec<f32>]| all.iter().position(|values| !finite(values));
        match wrong(&self.u).or_else(|| wrong(&self.v)) {
            Some(keyframe) => Err(EncodeError::Diverged(keyframe, pass)),
            None => Ok(()),
        }
    }

    /// Soft threshold: moves every entry of U towards 0 by at most `amount`.
    pub(super) fn shrink(&mut self, amount: f32) {
        for x in self.u.iter_mut().flatten() {
            *x -= x.signum() * amount.min(x.abs());
        }
    }

    /// Weighted mean: `keep` of this and 1 − `keep` of `other`.
    pub(super) fn blend(&mut self, other: &Self, keep: f32) {
        let ours = self.u.iter_mut().chain(&mut self.v).flatten();
        let theirs = other.u.iter().chain(&other.v).flatten();
        for (x, y) in ours.zip(theirs) {
            *x = keep * *x + (1.0 - keep) * y;
        }
    }

    /// `count` copies of this single keyframe, each with its own V.
    pub(super) fn repeated(self, count: usize) -> Self {
        let repeat = |mut all: Vec<Vec<f32>>| vec![all.pop().unwrap_or_default(); count];
        Self {
            u: repeat(self.u),
            v: repeat(self.v),
            ..self
        }
    }
}

impl Gradient {
    /// Zeros in the layout of `keyframes`, with one V if it is shared.
    pub(super) fn zero(keyframes: &[Factors], shared: bool) -> Self {
        let u = keyframes.iter().map(|factors| vec![0.0; factors.u().len()]);
        let v = keyframes.iter().map(|factors| vec![0.0; factors.v().len()]);
        let bases = if shared { 1 } else { keyframes.len() };
        Self {
            u: u.collect(),
            v: v.take(bases).collect(),
        }
    }

    /// Adds the gradient of one `share` from `of_prompt`, the gradient of the composed prompt.
    pub(super) fn add(&mut self, share: Share<'_>, of_prompt: &[f32]) {
        let Share { keyframe, seen, .. } = share;
        let (dim, rank) = (seen.shape().dim, seen.rank());
        let scale = share.weight / (seen.full_rank() as f64).sqrt();
        let basis = keyframe.min(self.v.len() - 1);
        let of_v = &mut self.v[basis];
        let u_rows = self.u[keyframe].chunks_exact_mut(rank);
        let rows = of_prompt.chunks_exact(dim).zip(u_rows);
        for ((row, u_row), u) in rows.zip(seen.u().chunks_exact(rank)) {
            for j in 0..share.components.min(rank) {
                let v_row = &mut of_v[j * dim..(j + 1) * dim];
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

    /// Adds the gradient of the rate: `slopes` are the keyframe's bits per unit of U, `lambda` is the
    /// loss per bit.
    pub(super) fn add_rate(&mut self, share: Share<'_>, slopes: &[f32], lambda: f64) {
        let rank = share.seen.rank();
        let lambda = lambda * share.weight;
        let rows = self.u[share.keyframe].chunks_exact_mut(rank);
        for (row, slopes) in rows.zip(slopes.chunks_exact(rank)) {
            for (g, slope) in row.iter_mut().zip(slopes).take(share.components) {
                *g += lambda * f64::from(*slope);
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Gradient, Prompts, Share};
    use crate::prompt::Shape;

    #[test]
    fn divergence_is_reported_with_keyframe_and_pass() {
        let mut prompts = Prompts {
            shape: Shape::new(2, 1),
            full_rank: 1,
            u: vec![vec![1.0; 2]; 3],
            v: vec![vec![1.0]],
        };
        assert!(prompts.check(1).is_ok());
        prompts.u[2][0] = f32::NAN;
        let error = prompts.check(7).unwrap_err().to_string();
        assert_eq!(error, "the fit of keyframe 2 diverged in pass 7");
    }

    /// Σ readout ⊙ P for keyframe 1 at weight 0.25, cut to two of three components.
    fn loss(prompts: &Prompts, readout: &[f32]) -> f64 {
        let p = prompts.factors().unwrap()[1].compose(2);
        let pairs = p.iter().zip(readout);
        0.25 * pairs.map(|(a, b)| f64::from(a * b)).sum::<f64>()
    }

    #[test]
    fn factor_gradients_agree_with_differences() {
        let wave = |i: usize| ((i * i + 3) as f32 * 0.61).sin();
        let prompts = Prompts {
            shape: Shape::new(4, 5),
            full_rank: 6,
            u: vec![(0..12).map(wave).collect(), (12..24).map(wave).collect()],
            v: vec![(24..39).map(wave).collect()],
        };
        let readout: Vec<f32> = (40..60).map(wave).collect();
        let factors = prompts.factors().unwrap();
        let mut gradient = Gradient::zero(&factors, true);
        let share = Share {
            keyframe: 1,
            weight: 0.25,
            components: 2,
            seen: &factors[1],
        };
        gradient.add(share, &readout);
        assert!(gradient.u[0].iter().all(|&g| g == 0.0));

        let entry = |prompts: &mut Prompts, i: usize, by: f32| match i {
            0..12 => prompts.u[1][i] += by,
            _ => prompts.v[0][i - 12] += by,
        };
        for (i, gradient) in gradient.u[1].iter().chain(&gradient.v[0]).enumerate() {
            let [above, below] = [0.01, -0.01].map(|by| {
                let mut moved = prompts.clone();
                entry(&mut moved, i, by);
                loss(&moved, &readout)
            });
            assert!((gradient - (above - below) / 0.02).abs() < 1e-4, "{i}");
        }
    }
}
