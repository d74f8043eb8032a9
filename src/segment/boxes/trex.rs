//! `trex`: what samples are unless their fragment says otherwise (§8.8.3).

use super::{Atom, Reader, Writer};
use crate::segment::error::{FourCc, SegmentError};

/// Defaults of the one track: no default duration or size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trex {
    /// Number of the track.
    pub(crate) track: u32,
    /// Sample flags (§8.8.3.1).
    pub(crate) flags: u32,
}

impl Trex {
    /// The sample depends on others and is no sync sample.
    pub(crate) const DEPENDENT: u32 = 0x0101_0000;
    /// The sample depends on none and is a sync sample.
    pub(crate) const SYNC: u32 = 0x0200_0000;
    /// Bit of the flags that is set on samples that are no sync samples.
    pub(crate) const NON_SYNC_BIT: u32 = 0x0001_0000;
}

impl Atom for Trex {
    const KIND: FourCc = FourCc(*b"trex");

    fn write_body(&self, w: &mut Writer) {
        w.version(0, 0);
        w.u32(self.track);
        w.u32(1);
        w.zeros(8);
        w.u32(self.flags);
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        r.version(0)?;
        let track = r.u32("track_ID")?;
        r.take(12, "sample defaults")?;
        let flags = r.u32("default_sample_flags")?;
        Ok(Self { track, flags })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let trex = Trex {
            track: 1,
            flags: Trex::DEPENDENT,
        };
        super::super::testing::round_trip(&trex, 32);
    }
}
