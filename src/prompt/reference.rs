//! Coding id 0: the values of the reference's `.prompt` file as one payload, bit for bit.
//!
//! Layout: U (tokens × rank bytes, row-major), V (rank × dim bytes, row-major), then U_scale,
//! U_zero_point, V_scale, V_zero_point as little-endian f32. Knows no container.

use super::{Affine8, Factors, PromptError, Shape};

/// One keyframe as the reference stores it.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferencePayload {
    /// Tokens and values of a token.
    pub shape: Shape,
    /// Components.
    pub rank: usize,
    /// Levels of U, tokens × rank, row-major.
    pub u: Vec<u8>,
    /// Levels of V, rank × dim, row-major.
    pub v: Vec<u8>,
    /// Affine map of U's levels.
    pub u_map: Affine8,
    /// Affine map of V's levels.
    pub v_map: Affine8,
}

impl ReferencePayload {
    const SCALARS: usize = 16;

    /// Bytes of a payload: rank · (tokens + dim) + 16.
    pub fn size(shape: Shape, rank: usize) -> usize {
        rank * (shape.tokens + shape.dim) + Self::SCALARS
    }

    /// `factors` quantised to 8 bits, each factor over its own range.
    pub fn quantise(factors: &Factors) -> Self {
        let quantise = |values: &[f32]| {
            let map = Affine8::spanning(values);
            (
                map,
                values.iter().map(|&value| map.quantise(value)).collect(),
            )
        };
        let ((u_map, u), (v_map, v)) = (quantise(factors.u()), quantise(factors.v()));
        Self {
            shape: factors.shape(),
            rank: factors.rank(),
            u,
            v,
            u_map,
            v_map,
        }
    }

    /// The dequantised factors, as components of a fit of `full_rank`.
    ///
    /// Fails if the lengths do not fit or a scalar makes a value infinite or NaN.
    pub fn factors(&self, full_rank: usize) -> Result<Factors, PromptError> {
        let u = self.u.iter().map(|&q| self.u_map.value(q)).collect();
        let v = self.v.iter().map(|&q| self.v_map.value(q)).collect();
        Factors::new(self.shape, full_rank, u, v)
    }

    /// The payload's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.u, &self.v, self.scalars().as_flattened()].concat()
    }

    /// Scale and zero point of U, then of V, little-endian.
    pub(super) fn scalars(&self) -> [[u8; 4]; 4] {
        let (u, v) = (self.u_map, self.v_map);
        [u.scale, u.zero_point, v.scale, v.zero_point].map(f32::to_le_bytes)
    }

    /// Reads a payload of `rank` components, or `None` if `bytes` is not exactly
    /// [`ReferencePayload::size`] long.
    pub fn from_bytes(shape: Shape, rank: usize, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::size(shape, rank) {
            return None;
        }
        let (u, rest) = bytes.split_at(rank * shape.tokens);
        let (v, scalars) = rest.split_at(rank * shape.dim);
        let (words, _) = scalars.as_chunks();
        let words: [[u8; 4]; 4] = words.try_into().ok()?;
        let [us, uz, vs, vz] = words.map(f32::from_le_bytes);
        let map = |scale, zero_point| Affine8 { scale, zero_point };
        Some(Self {
            shape,
            rank,
            u: u.to_vec(),
            v: v.to_vec(),
            u_map: map(us, uz),
            v_map: map(vs, vz),
        })
    }
}
