//! `mvhd`: the movie header (§8.2.2). Durations are 0: `mehd` carries the length of a file that
//! is all fragments.

use super::{Atom, Reader, Writer};
use crate::segment::error::{FourCc, SegmentError};

/// Scale, rate 1.0 and volume 1.0, unit matrix, one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mvhd {
    /// Ticks a second, that of the track.
    pub(crate) timescale: u32,
}

/// The unit matrix of `mvhd` and `tkhd`.
pub(super) const MATRIX: [u32; 9] = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000];

impl Atom for Mvhd {
    const KIND: FourCc = FourCc(*b"mvhd");

    fn write_body(&self, w: &mut Writer) {
        w.version(0, 0);
        w.zeros(8);
        w.u32(self.timescale);
        w.u32(0);
        w.u32(0x0001_0000);
        w.u16(0x0100);
        w.zeros(10);
        MATRIX.iter().for_each(|&value| w.u32(value));
        w.zeros(24);
        w.u32(2);
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        let (version, _) = r.version(1)?;
        r.take(
            if version == 1 { 16 } else { 8 },
            "creation and modification time",
        )?;
        let timescale = r.u32("timescale")?;
        r.take(if version == 1 { 88 } else { 84 }, "movie header")?;
        Ok(Self { timescale })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        super::super::testing::round_trip(&Mvhd { timescale: 24000 }, 108);
    }
}
