//! `hdlr`: the kind of media (§8.4.3). Ours is `vide`: with it players and tools show size, rate
//! and bitrate; timed-metadata handlers get neither a size nor a place in a ladder.

use super::{Atom, Reader, Writer};
use crate::segment::error::{FourCc, SegmentError};

/// Handler of the track; its name is left empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hdlr {
    /// `vide`.
    pub(crate) handler: FourCc,
}

impl Hdlr {
    /// Visual media.
    pub(crate) const VIDEO: FourCc = FourCc(*b"vide");
}

impl Atom for Hdlr {
    const KIND: FourCc = FourCc(*b"hdlr");

    fn write_body(&self, w: &mut Writer) {
        w.version(0, 0);
        w.u32(0);
        w.bytes(&self.handler.0);
        w.zeros(12);
        w.u8(0);
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        r.version(0)?;
        r.u32("pre_defined")?;
        let handler = FourCc(r.array("handler_type")?);
        r.take(13, "handler name")?;
        Ok(Self { handler })
    }
}
