//! The boxes of our files, one a file, each with its round-trip test.
//!
//! Clauses cited are of ISO/IEC 14496-12. Only what our files hold can be written; reading skips
//! boxes that it does not know.

mod btrt;
mod ftyp;
mod hdlr;
mod mdhd;
mod mehd;
mod mfhd;
mod mvhd;
mod pasp;
mod prm1;
mod prmc;
mod read;
mod stbl;
mod tfdt;
mod tfhd;
mod tkhd;
mod trex;
mod trun;
mod write;

pub(super) use btrt::Btrt;
pub(super) use ftyp::{Ftyp, Styp};
pub(super) use hdlr::Hdlr;
pub(super) use mdhd::Mdhd;
pub(super) use mehd::Mehd;
pub(super) use mfhd::Mfhd;
pub(super) use mvhd::Mvhd;
pub(super) use pasp::Pasp;
pub(super) use prm1::Prm1;
pub(super) use read::{BoxHeader, Reader};
pub(super) use stbl::write_sample_table;
pub(super) use tfdt::Tfdt;
pub(super) use tfhd::Tfhd;
pub(super) use tkhd::Tkhd;
pub(super) use trex::Trex;
pub(super) use trun::{Trun, TrunSample};
pub(super) use write::Writer;

use crate::segment::error::{FourCc, SegmentError};

/// One type of box.
pub(super) trait Atom: Sized {
    /// Its four-character code.
    const KIND: FourCc;

    /// Writes what follows the box header.
    fn write_body(&self, w: &mut Writer);

    /// Reads what follows the box header.
    fn read_body(r: &mut Reader<'_>) -> Result<Self, SegmentError>;

    /// Writes the box.
    fn write(&self, w: &mut Writer) {
        w.boxed(Self::KIND, |w| self.write_body(w));
    }

    /// Reads the first box of this type inside `parent`.
    fn read_from(parent: &Reader<'_>) -> Result<Self, SegmentError> {
        Self::read_body(&mut parent.child(Self::KIND)?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod testing {
    use super::*;

    /// Writes `atom`, checks its length, and that reading gives it back.
    pub(crate) fn round_trip<A: Atom + PartialEq + std::fmt::Debug>(atom: &A, bytes: usize) {
        let mut w = Writer::default();
        atom.write(&mut w);
        let out = w.finish();
        assert_eq!(out.len(), bytes);
        assert_eq!(&A::read_from(&Reader::new(&out)).unwrap(), atom);
        for cut in 0..out.len() {
            assert!(
                A::read_from(&Reader::new(&out[..cut])).is_err(),
                "cut at {cut}"
            );
        }
    }
}
