//! `mehd`: length of a fragmented movie (§8.8.2).

use super::{Atom, Reader, Writer};
use crate::segment::error::{FourCc, SegmentError};

/// Length of all fragments together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mehd {
    /// In ticks of the movie's timescale.
    pub(crate) duration: u64,
}

impl Atom for Mehd {
    const KIND: FourCc = FourCc(*b"mehd");

    fn write_body(&self, w: &mut Writer) {
        match u32::try_from(self.duration) {
            Ok(duration) => {
                w.version(0, 0);
                w.u32(duration);
            }
            Err(_) => {
                w.version(1, 0);
                w.u64(self.duration);
            }
        }
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        let duration = match r.version(1)? {
            (0, _) => u64::from(r.u32("fragment_duration")?),
            _ => r.u64("fragment_duration")?,
        };
        Ok(Self { duration })
    }
}
