//! The flow between two pictures, coarse to fine over their pyramids.

use super::grid::{Field, Plane};
use super::{refine, search};
use crate::frame::Frame;

/// Shortest side of the smallest level of a pyramid, in pixels: two patches.
const LEAST_SIDE: usize = 16;

/// Pictures with a shorter side than this are searched at full size, others from half of it on: the
/// last level takes four fifths of the time and changes little.
const SMALL: usize = 64;

/// The brightness pyramid of a picture, full size first.
#[derive(Debug)]
pub(super) struct Pyramid(Vec<Plane>);

impl Pyramid {
    pub(super) fn new(frame: &Frame) -> Self {
        Self(Plane::brightness(frame).pyramid(LEAST_SIDE))
    }

    /// Index of the finest level that is searched.
    fn finest(&self) -> usize {
        let full = &self.0[0];
        usize::from(full.width.min(full.height) >= SMALL)
    }
}

/// The flow from `from` to `to`, which are of one size.
pub(super) fn estimate(from: &Pyramid, to: &Pyramid) -> Field {
    let (from_levels, to_levels) = (&from.0, &to.0);
    let coarsest = &from_levels[from_levels.len() - 1];
    let mut field = Field::filled(coarsest.width, coarsest.height, [0.0; 2]);
    for level in (from.finest()..from_levels.len()).rev() {
        let (a, b) = (&from_levels[level], &to_levels[level]);
        if field.size() != a.size() {
            field = field.enlarged(a.size());
        }
        field = search::improved(a, b, &field);
        refine::smooth(a, b, &mut field);
    }
    field
}
