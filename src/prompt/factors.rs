//! Shape and factors of one prompt, and their product. Knows no coding and no time.

use super::error::{PromptError, in_range};
use super::shape::Shape;

/// A prompt as U (tokens × rank) and V (rank × dim), both row-major and finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    shape: Shape,
    rank: usize,
    full_rank: usize,
    u: Vec<f32>,
    v: Vec<f32>,
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
        in_range("full rank", full_rank, 1, Self::MAX_RANK)?;
        in_range("rank", rank, 1, full_rank)?;
        length("V", rank * shape.dim, &v)?;
        length("U", rank * shape.tokens, &u)?;
        finite("U", &u)?;
        finite("V", &v)?;
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
        let rows = if component < self.rank {
            self.u.as_slice()
        } else {
            &[]
        };
        rows.chunks_exact(self.rank).map(move |row| row[component])
    }

    /// Row `component` of V; empty if the component is absent.
    pub fn v_row(&self, component: usize) -> &[f32] {
        let dim = self.shape.dim;
        self.v
            .get(component * dim..(component + 1) * dim)
            .unwrap_or_default()
    }

    /// The first `rank` components (all of them if there are fewer); the scale stays.
    pub fn truncated(&self, rank: usize) -> Self {
        let rank = rank.clamp(1, self.rank);
        let u = self.u.chunks_exact(self.rank);
        Self {
            shape: self.shape,
            rank,
            full_rank: self.full_rank,
            u: u.flat_map(|row| &row[..rank]).copied().collect(),
            v: self.v[..rank * self.shape.dim].to_vec(),
        }
    }

    /// P = Σ u_j·v_j/√full_rank over the first `components`, tokens × dim, row-major. Summed in double
    /// precision, so that the order of components does not matter.
    pub fn compose(&self, components: usize) -> Vec<f32> {
        compose(
            self.shape,
            self.full_rank,
            self.rank,
            components,
            &self.u,
            &self.v,
        )
    }
}

/// [`Factors::compose`] on buffers whose lengths fit `shape` and `rank`.
pub(super) fn compose(
    shape: Shape,
    full_rank: usize,
    rank: usize,
    components: usize,
    u: &[f32],
    v: &[f32],
) -> Vec<f32> {
    let scale = 1.0 / (full_rank as f64).sqrt();
    let mut out = Vec::with_capacity(shape.tokens * shape.dim);
    let mut sums = vec![0.0f64; shape.dim];
    for weights in u.chunks_exact(rank) {
        sums.fill(0.0);
        let pairs = weights.iter().zip(v.chunks_exact(shape.dim));
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

fn length(factor: &'static str, expected: usize, values: &[f32]) -> Result<(), PromptError> {
    if values.len() == expected {
        return Ok(());
    }
    Err(PromptError::FactorLength {
        factor,
        expected,
        got: values.len(),
    })
}

fn finite(factor: &'static str, values: &[f32]) -> Result<(), PromptError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(PromptError::NotFinite { factor, index }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { tokens: 3, dim: 2 };

    fn two_components() -> Factors {
        let u = vec![1.0, 10.0, 2.0, 20.0, 3.0, 30.0];
        Factors::new(SHAPE, 4, u, vec![2.0, 0.0, 0.0, 4.0]).unwrap()
    }

    #[test]
    fn a_prefix_keeps_the_scale_of_the_full_rank() {
        let factors = two_components();
        assert_eq!(factors.compose(1), [1.0, 0.0, 2.0, 0.0, 3.0, 0.0]);
        assert_eq!(factors.compose(9), [1.0, 20.0, 2.0, 40.0, 3.0, 60.0]);
        let cut = factors.truncated(1);
        assert_eq!(
            (cut.rank(), cut.u(), cut.v()),
            (1, &[1.0, 2.0, 3.0][..], &[2.0, 0.0][..])
        );
        assert_eq!(cut.compose(2), factors.compose(1));
    }

    #[test]
    fn components_are_columns_of_u_and_rows_of_v() {
        let factors = two_components();
        assert_eq!(factors.u_column(1).collect::<Vec<_>>(), [10.0, 20.0, 30.0]);
        assert_eq!(factors.v_row(1), [0.0, 4.0]);
        assert_eq!(factors.u_column(2).count(), 0);
        assert!(factors.v_row(2).is_empty());
    }

    #[test]
    fn wrong_sizes_and_values_are_named() {
        let new = |full, u: &[f32], v: &[f32]| {
            Factors::new(SHAPE, full, u.to_vec(), v.to_vec()).map_err(|e| e.to_string())
        };
        assert_eq!(
            new(1, &[1.0; 4], &[1.0; 2]),
            Err("factor U has 4 values, expected 3".to_owned())
        );
        assert_eq!(
            new(1, &[1.0; 6], &[1.0; 4]),
            Err("prompt rank is 2, supported are 1 to 1".to_owned())
        );
        assert_eq!(
            new(1, &[1.0, f32::NAN, 0.0], &[1.0; 2]),
            Err("factor U has a value that is not finite at index 1".to_owned())
        );
        assert!(new(1, &[], &[]).is_err());
    }
}
