//! `tkhd`: the track header (§8.3.2): number of the track and the size it is shown at.

use super::mvhd::MATRIX;
use super::{Atom, Reader, Writer};
use crate::segment::error::{FourCc, SegmentError};

/// Enabled, and part of the presentation.
const FLAGS: u32 = 3;

/// The one track of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tkhd {
    /// Its number.
    pub(crate) track: u32,
    /// Width after the pixel aspect is applied, 16.16 fixed point.
    pub(crate) width: u32,
    /// Height, 16.16 fixed point.
    pub(crate) height: u32,
}

impl Atom for Tkhd {
    const KIND: FourCc = FourCc(*b"tkhd");

    fn write_body(&self, w: &mut Writer) {
        w.version(0, FLAGS);
        w.zeros(8);
        w.u32(self.track);
        w.zeros(24);
        MATRIX.iter().for_each(|&value| w.u32(value));
        w.u32(self.width);
        w.u32(self.height);
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        let (version, _) = r.version(1)?;
        r.take(
            if version == 1 { 16 } else { 8 },
            "creation and modification time",
        )?;
        let track = r.u32("track_ID")?;
        r.take(if version == 1 { 64 } else { 60 }, "track header")?;
        Ok(Self {
            track,
            width: r.u32("width")?,
            height: r.u32("height")?,
        })
    }
}
