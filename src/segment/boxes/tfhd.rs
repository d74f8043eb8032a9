//! `tfhd`: which track a fragment belongs to (§8.8.7).

use super::{Atom, Reader, Writer};
use crate::segment::error::{FourCc, SegmentError};

/// Data offsets count from the start of the `moof`.
const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;

/// The track of a fragment, with no overrides of `trex`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tfhd {
    /// Number of the track.
    pub(crate) track: u32,
}

impl Atom for Tfhd {
    const KIND: FourCc = FourCc(*b"tfhd");

    fn write_body(&self, w: &mut Writer) {
        w.version(0, DEFAULT_BASE_IS_MOOF);
        w.u32(self.track);
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        let offset = r.offset();
        let (_, flags) = r.version(0)?;
        if flags != DEFAULT_BASE_IS_MOOF {
            let found = format!("{flags:#08x}");
            return Err(r.bad_at(offset, "flags", found, "0x020000 (default-base-is-moof)"));
        }
        let track = r.u32("track_ID")?;
        Ok(Self { track })
    }
}
