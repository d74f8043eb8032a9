//! Coding id 0: the values of the reference's `.prompt` file as one payload, bit for bit.
//!
//! Layout: U (tokens × rank bytes, row-major), V (rank × dim bytes, row-major), then U_scale,
//! U_zero_point, V_scale, V_zero_point as little-endian f32. Knows no container.

use super::{Affine8, CodingParameters, Factors, PromptError, Shape};

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
    /// Bytes of the four scalars.
    const SCALARS: usize = 16;

    /// Bytes of a payload: rank · (tokens + dim) + 16.
    pub fn size(shape: Shape, rank: usize) -> usize {
        rank * (shape.tokens + shape.dim) + Self::SCALARS
    }

    /// `factors` quantised to 8 bits, each factor over its own range.
    pub fn quantise(factors: &Factors) -> Self {
        let (u_map, v_map) = (
            Affine8::spanning(factors.u()),
            Affine8::spanning(factors.v()),
        );
        Self {
            shape: factors.shape(),
            rank: factors.rank(),
            u: factors
                .u()
                .iter()
                .map(|&value| u_map.quantise(value))
                .collect(),
            v: factors
                .v()
                .iter()
                .map(|&value| v_map.quantise(value))
                .collect(),
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
        let mut out = Vec::with_capacity(Self::size(self.shape, self.rank));
        out.extend_from_slice(&self.u);
        out.extend_from_slice(&self.v);
        for map in [self.u_map, self.v_map] {
            out.extend_from_slice(&map.scale.to_le_bytes());
            out.extend_from_slice(&map.zero_point.to_le_bytes());
        }
        out
    }

    /// Reads a payload of `rank` components, or `None` if `bytes` is not exactly
    /// [`ReferencePayload::size`] long.
    pub fn from_bytes(shape: Shape, rank: usize, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::size(shape, rank) {
            return None;
        }
        let (u, rest) = bytes.split_at(rank * shape.tokens);
        let (v, scalars) = rest.split_at(rank * shape.dim);
        let (words, _) = scalars.as_chunks::<4>();
        let [us, uz, vs, vz] = <[[u8; 4]; 4]>::try_from(words).ok()?;
        let map = |scale, zero_point| Affine8 {
            scale: f32::from_le_bytes(scale),
            zero_point: f32::from_le_bytes(zero_point),
        };
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

/// Decodes payloads independently of each other.
#[derive(Debug)]
pub(super) struct ReferenceDecoder {
    parameters: CodingParameters,
    keyframe: usize,
}

impl ReferenceDecoder {
    pub(super) fn new(parameters: CodingParameters) -> Self {
        Self {
            parameters,
            keyframe: 0,
        }
    }

    pub(super) fn push(&mut self, layers: &[&[u8]]) -> Result<Factors, PromptError> {
        let keyframe = self.keyframe;
        self.keyframe += 1;
        let &[bytes] = layers else {
            return Err(PromptError::LayerCount {
                keyframe,
                expected: "one payload".to_owned(),
                got: layers.len(),
            });
        };
        let CodingParameters {
            shape,
            components,
            full_rank,
            ..
        } = self.parameters;
        let payload = ReferencePayload::from_bytes(shape, components, bytes).ok_or(
            PromptError::PayloadLength {
                keyframe,
                expected: ReferencePayload::size(shape, components),
                got: bytes.len(),
            },
        )?;
        payload.factors(full_rank)
    }
}
