//! Shape and factors of one prompt, and their product. Knows no coding and no time.

use super::error::{PromptError, in_range};
use super::shape::Shape;

/// A prompt as U (tokens × rank) and V (rank × dim), both row-major and finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    shape: Shape,
    rank: usize,
    full_rank: usize,
    pub(super) u: Vec<f32>,
    pub(super) v: Vec<f32>,
}

impl Factors {
    /// Largest full rank of a fit.
    pub const MAX_RANK: usize = 255;

    /// Takes U (tokens × rank) and V (rank × dim), row-major; the rank follows from V's length.
    /// `full_rank` is that of the fit, at least the rank: it fixes the scale 1/√full_rank.
    ///
    /// Fails if a size is out of range, the lengths do not fit or a value is not finite.
    pub fn new(
        shape: Shape,
        full_rank: usize,
        u: Vec<f32>,
        v: Vec<f32>,
    ) -> Result<Self, PromptError> {
        shape.check()?;
        let rank = v.len() / shape.dim;
        in_range("full rank", full_rank, 1..=Self::MAX_RANK)?;
        in_range("rank", rank, 1..=full_rank)?;
        for (name, values, side) in [("V", &v, shape.dim), ("U", &u, shape.tokens)] {
            let wrong = |problem| Err(PromptError::Unfit(format!("factor {name} has {problem}")));
            let (got, expected) = (values.len(), rank * side);
            if got != expected {
                return wrong(format!("{got} values, expected {expected}"));
            }
            if let Some(index) = values.iter().position(|value| !value.is_finite()) {
                return wrong(format!("a value that is not finite at index {index}"));
            }
        }
        Ok(Self {
            shape,
            rank,
            full_rank,
            u,
            v,
        })
    }

    /// Tokens and values of a token.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Components present, 1 to `full_rank`.
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// Components of the fit that these belong to.
    pub fn full_rank(&self) -> usize {
        self.full_rank
    }

    /// U, tokens × rank, row-major.
    pub fn u(&self) -> &[f32] {
        &self.u
    }

    /// V, rank × dim, row-major.
    pub fn v(&self) -> &[f32] {
        &self.v
    }

    /// Column `component` of U, one value per token; empty if the component is absent.
    pub fn u_column(&self, component: usize) -> impl Iterator<Item = f32> {
        let rows = self.u.chunks_exact(self.rank);
        rows.filter_map(move |row| row.get(component).copied())
    }

    /// Row `component` of V; empty if the component is absent.
    pub fn v_row(&self, component: usize) -> &[f32] {
        let mut rows = self.v.chunks_exact(self.shape.dim);
        rows.nth(component).unwrap_or_default()
    }

    /// The first `rank` components (all of them if there are fewer); the scale stays.
    pub fn truncated(&self, rank: usize) -> Self {
        self.resized(rank.clamp(1, self.rank))
    }

    /// `rank` components, those that are absent with zeros.
    pub(super) fn resized(&self, rank: usize) -> Self {
        let mut u = Vec::with_capacity(self.shape.tokens * rank);
        for row in self.u.chunks_exact(self.rank) {
            let end = u.len() + rank;
            u.extend_from_slice(&row[..rank.min(row.len())]);
            u.resize(end, 0.0);
        }
        let mut v = self.v.clone();
        v.resize(rank * self.shape.dim, 0.0);
        Self {
            rank,
            u,
            v,
            ..*self
        }
    }

    /// P = Σ u_j·v_j/√full_rank over the first `components`, tokens × dim, row-major. Summed in double
    /// precision, so that the order of components does not matter.
    pub fn compose(&self, components: usize) -> Vec<f32> {
        let dim = self.shape.dim;
        let scale = 1.0 / (self.full_rank as f64).sqrt();
        let mut out = Vec::with_capacity(self.shape.tokens * dim);
        let mut sums = vec![0.0f64; dim];
        for weights in self.u.chunks_exact(self.rank) {
            sums.fill(0.0);
            let pairs = weights.iter().zip(self.v.chunks_exact(dim));
            for (&weight, row) in pairs.take(components) {
                let weight = f64::from(weight);
                for (sum, &value) in sums.iter_mut().zip(row) {
                    *sum += weight * f64::from(value);
                }
            }
            out.extend(sums.iter().map(|sum| (sum * scale) as f32));
        }
        out
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape::new(3, 2);

    #[test]
    fn components_are_columns_of_u_and_rows_of_v_and_a_prefix_keeps_the_scale() {
        let u = vec![1.0, 10.0, 2.0, 20.0, 3.0, 30.0];
        let factors = Factors::new(SHAPE, 4, u, vec![2.0, 0.0, 0.0, 4.0]).unwrap();
        assert_eq!(factors.u_column(1).collect::<Vec<_>>(), [10.0, 20.0, 30.0]);
        assert_eq!(factors.v_row(1), [0.0, 4.0]);
        assert_eq!(factors.u_column(2).count() + factors.v_row(2).len(), 0);
        assert_eq!(factors.compose(1), [1.0, 0.0, 2.0, 0.0, 3.0, 0.0]);
        assert_eq!(factors.compose(9), [1.0, 20.0, 2.0, 40.0, 3.0, 60.0]);
        let cut = factors.truncated(1);
        assert_eq!((cut.rank(), cut.u()), (1, &[1.0, 2.0, 3.0][..]));
        assert_eq!(cut.v(), [2.0, 0.0]);
        assert_eq!(cut.compose(2), factors.compose(1));
    }

    #[test]
    fn wrong_sizes_and_values_are_named() {
        for (u, v, expected) in [
            (vec![1.0; 4], 2, "factor U has 4 values, expected 3"),
            (vec![1.0; 6], 4, "prompt rank is 2, supported are 1 to 1"),
            (
                vec![1.0, f32::NAN, 0.0],
                2,
                "factor U has a value that is not finite at index 1",
            ),
            (vec![], 0, "prompt rank is 0, supported are 1 to 1"),
        ] {
            let error = Factors::new(SHAPE, 1, u, vec![1.0; v]).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
