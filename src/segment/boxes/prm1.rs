//! `prm1`: our visual sample entry (§12.1.3), with `prmC`, `btrt` and `pasp` inside.

use super::prmc::{PRMC, read_prmc, write_prmc};
use super::{Atom, Btrt, Pasp, Reader, Writer};
use crate::segment::error::{FourCc, SegmentError};
use crate::segment::track::{CODEC, Track};

/// 72 dots an inch, 16.16 fixed point.
const RESOLUTION: u32 = 0x0048_0000;

/// The sample entry of a prompt track.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prm1 {
    /// Content of `prmC` and `pasp`.
    pub(crate) track: Track,
    /// Measured bitrates.
    pub(crate) bitrates: Btrt,
}

impl Atom for Prm1 {
    const KIND: FourCc = FourCc(CODEC);

    fn write_body(&self, w: &mut Writer) {
        w.zeros(6);
        w.u16(1);
        w.zeros(16);
        w.u16(self.track.visible.0 as u16);
        w.u16(self.track.visible.1 as u16);
        w.u32(RESOLUTION);
        w.u32(RESOLUTION);
        w.zeros(4);
        w.u16(1);
        w.zeros(32);
        w.u16(24);
        w.u16(u16::MAX);
        write_prmc(w, &self.track);
        self.bitrates.write(w);
        let (horizontal, vertical) = self.track.pixel_aspect;
        Pasp {
            horizontal,
            vertical,
        }
        .write(w);
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        r.take(24, "sample entry")?;
        let offset = r.offset();
        let size = (r.u16("width")?, r.u16("height")?);
        r.take(50, "visual sample entry")?;
        let pasp = Pasp::read_from(r)?;
        let track = read_prmc(&mut r.child(PRMC)?, (pasp.horizontal, pasp.vertical))?;
        let visible = track.visible;
        if (u32::from(size.0), u32::from(size.1)) != visible {
            let expected = format!("{}x{} as in prmC", visible.0, visible.1);
            return Err(r.bad_at(offset, "size", format!("{}x{}", size.0, size.1), expected));
        }
        let bitrates = Btrt::read_from(r)?;
        Ok(Self { track, bitrates })
    }
}
