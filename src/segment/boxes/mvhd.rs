//! `mvhd`: the movie header (§8.2.2): scale, rate 1.0 and volume 1.0, unit matrix, one track.
//! Written only. Durations are 0: `mehd` carries the length of a file that is all fragments.

use super::Writer;
use crate::segment::error::FourCc;

/// The unit matrix of `mvhd` and `tkhd`.
pub(super) const MATRIX: [u32; 9] = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000];

/// Writes the box for a track of `timescale` ticks a second.
pub(crate) fn write_mvhd(w: &mut Writer, timescale: u32) {
    w.boxed(FourCc(*b"mvhd"), |w| {
        w.version(0, 0);
        w.zeros(8);
        w.u32(timescale);
        w.u32(0);
        w.u32(0x0001_0000);
        w.u16(0x0100);
        w.zeros(10);
        MATRIX.iter().for_each(|&value| w.u32(value));
        w.zeros(24);
        w.u32(2);
    });
}
