//! `mdhd`: the media header (§8.4.2): ticks a second of the track; language `und`.

use super::{Atom, Reader, Writer};
use crate::segment::error::{FourCc, SegmentError};

/// `und` as three 5-bit letters.
const UNDETERMINED: u16 = 0x55c4;

/// The clock of the track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mdhd {
    /// Ticks a second, a multiple of the frame rate.
    pub(crate) timescale: u32,
}

impl Atom for Mdhd {
    const KIND: FourCc = FourCc(*b"mdhd");

    fn write_body(&self, w: &mut Writer) {
        w.version(0, 0);
        w.zeros(8);
        w.u32(self.timescale);
        w.u32(0);
        w.u16(UNDETERMINED);
        w.u16(0);
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        let (version, _) = r.version(1)?;
        r.take(
            if version == 1 { 16 } else { 8 },
            "creation and modification time",
        )?;
        let timescale = r.u32("timescale")?;
        r.take(if version == 1 { 12 } else { 8 }, "duration and language")?;
        Ok(Self { timescale })
    }
}
