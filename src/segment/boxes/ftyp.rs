//! `ftyp` and `styp`: brands of a file and of a media segment (§4.3, §8.16.2). Written only.

use super::Writer;
use crate::segment::error::FourCc;

/// Writes `ftyp`: CMAF track (`cmfc`), ISO base media file format edition 6 (`iso6`). No media
/// profile of CMAF fits, so none is claimed.
pub(crate) fn write_ftyp(w: &mut Writer) {
    write_brands(w, b"ftyp", [b"cmfc", b"iso6"]);
}

/// Writes `styp`: DASH segment (`msdh`), CMAF segment (`cmfs`).
pub(crate) fn write_styp(w: &mut Writer) {
    write_brands(w, b"styp", [b"msdh", b"cmfs"]);
}

/// Major brand, minor version 0, then all brands, the major one repeated.
fn write_brands(w: &mut Writer, kind: &[u8; 4], brands: [&[u8; 4]; 2]) {
    w.boxed(FourCc(*kind), |w| {
        w.bytes(brands[0]);
        w.u32(0);
        brands.iter().for_each(|brand| w.bytes(*brand));
    });
}
