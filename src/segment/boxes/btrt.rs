//! `btrt`: measured bitrates in the sample entry (§8.5.2.2).

use super::{Atom, Reader, Writer};
use crate::segment::error::{FourCc, SegmentError};

/// Bitrates of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Btrt {
    /// Bytes of the largest segment.
    pub(crate) buffer: u32,
    /// Highest bitrate of a segment, bit/s.
    pub(crate) max: u32,
    /// Mean bitrate, bit/s.
    pub(crate) average: u32,
}

impl Atom for Btrt {
    const KIND: FourCc = FourCc(*b"btrt");

    fn write_body(&self, w: &mut Writer) {
        w.u32(self.buffer);
        w.u32(self.max);
        w.u32(self.average);
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        Ok(Self {
            buffer: r.u32("bufferSizeDB")?,
            max: r.u32("maxBitrate")?,
            average: r.u32("avgBitrate")?,
        })
    }
}
