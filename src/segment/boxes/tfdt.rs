//! `tfdt`: when a fragment starts (§8.8.12), always with 64 bits (ISO/IEC 23000-19 §7).

use super::{Atom, Reader, Writer};
use crate::segment::error::{FourCc, SegmentError};

/// Start of the fragment's first sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tfdt {
    /// In ticks of the track's timescale.
    pub(crate) start: u64,
}

impl Atom for Tfdt {
    const KIND: FourCc = FourCc(*b"tfdt");

    fn write_body(&self, w: &mut Writer) {
        w.version(1, 0);
        w.u64(self.start);
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        let start = match r.version(1)? {
            (0, _) => u64::from(r.u32("baseMediaDecodeTime")?),
            _ => r.u64("baseMediaDecodeTime")?,
        };
        Ok(Self { start })
    }
}
