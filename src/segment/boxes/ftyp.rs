//! `ftyp` and `styp`: brands of a file and of a media segment (§4.3, §8.16.2).

use super::{Atom, Reader, Writer};
use crate::segment::error::{FourCc, SegmentError};

/// Brands of a file: CMAF track (`cmfc`), ISO base media file format edition 6 (`iso6`). No media
/// profile of CMAF fits, so none is claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ftyp(pub(crate) Vec<FourCc>);

/// Brands of a media segment: DASH (`msdh`), CMAF (`cmfs`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Styp(pub(crate) Vec<FourCc>);

impl Ftyp {
    /// The brands of every file of ours; the first is the major one.
    pub(crate) fn ours() -> Self {
        Self(vec![FourCc(*b"cmfc"), FourCc(*b"iso6")])
    }
}

impl Styp {
    /// The brands of every media segment of ours; the first is the major one.
    pub(crate) fn ours() -> Self {
        Self(vec![FourCc(*b"msdh"), FourCc(*b"cmfs")])
    }
}

impl Atom for Ftyp {
    const KIND: FourCc = FourCc(*b"ftyp");

    fn write_body(&self, w: &mut Writer) {
        write_brands(&self.0, w);
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        read_brands(r).map(Self)
    }
}

impl Atom for Styp {
    const KIND: FourCc = FourCc(*b"styp");

    fn write_body(&self, w: &mut Writer) {
        write_brands(&self.0, w);
    }

    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError> {
        read_brands(r).map(Self)
    }
}

/// Major brand, minor version 0, then all brands, the major one repeated.
fn write_brands(brands: &[FourCc], w: &mut Writer) {
    w.bytes(&brands.first().map_or([0; 4], |brand| brand.0));
    w.u32(0);
    for brand in brands {
        w.bytes(&brand.0);
    }
}

fn read_brands(r: &mut Reader<'_>) -> Result<Vec<FourCc>, SegmentError> {
    let major = FourCc(r.array("major_brand")?);
    r.u32("minor_version")?;
    let mut brands = vec![major];
    while r.left() > 0 {
        let brand = FourCc(r.array("compatible_brands")?);
        if brand != major {
            brands.push(brand);
        }
    }
    Ok(brands)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let mut w = Writer::default();
        Ftyp::ours().write(&mut w);
        let bytes = w.finish();
        assert_eq!(bytes, b"\0\0\0\x18ftypcmfc\0\0\0\0cmfciso6");
        let back = Ftyp::read_from(&Reader::new(&bytes)).unwrap();
        assert_eq!(back, Ftyp::ours());
    }

    #[test]
    fn a_torn_brand_is_refused() {
        let error = Styp::read_from(&Reader::new(b"\0\0\0\x12stypmsdh\0\0\0\0ms")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "styp at byte 16: cut short: compatible_brands needs 4 bytes, 2 are left"
        );
    }
}
