//! `mfhd`: number of a fragment (§8.8.5).

use super::{Atom, Reader, Writer};
use crate::segment::error::{FourCc, SegmentError};

/// Position of the segment in its rung.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mfhd {
    /// Counted from 1.
    pub(crate) sequence: u32,
}

impl Atom for Mfhd {
    const KIND: FourCc = FourCc(*b"mfhd");

    fn write_body(&self, w: &mut Writer) {
        w.version(0, 0);
        w.u32(self.sequence);
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        r.version(0)?;
        let sequence = r.u32("sequence_number")?;
        Ok(Self { sequence })
    }
}
