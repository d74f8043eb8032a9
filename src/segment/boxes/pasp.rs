//! `pasp`: shape of a pixel (§12.1.4).

use super::{Atom, Reader, Writer};
use crate::segment::error::{FourCc, SegmentError};

/// Width to height of a pixel; 1:1 is square.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pasp {
    /// Relative width, at least 1.
    pub(crate) horizontal: u32,
    /// Relative height, at least 1.
    pub(crate) vertical: u32,
}

impl Atom for Pasp {
    const KIND: FourCc = FourCc(*b"pasp");

    fn write_body(&self, w: &mut Writer) {
        w.u32(self.horizontal);
        w.u32(self.vertical);
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        Ok(Self {
            horizontal: r.u32("hSpacing")?,
            vertical: r.u32("vSpacing")?,
        })
    }
}
