//! `trex`: sample defaults (§8.8.3): no default duration or size, samples depend on others. Written
//! only.

use super::Writer;
use crate::segment::error::FourCc;

/// Sample flags (§8.8.3.1): the sample depends on others and is not a sync sample.
const DEPENDENT: u32 = 0x0101_0000;
/// Sample flags: the sample depends on none and is a sync sample.
pub(super) const SYNC: u32 = 0x0200_0000;
/// Bit of the sample flags that is set on samples that are not sync samples.
pub(super) const NON_SYNC_BIT: u32 = 0x0001_0000;

/// Writes the box for the track of this number.
pub(crate) fn write_trex(w: &mut Writer, track: u32) {
    w.boxed(FourCc(*b"trex"), |w| {
        w.version(0, 0);
        w.u32(track);
        w.u32(1);
        w.zeros(8);
        w.u32(DEPENDENT);
    });
}
