//! The boxes of our files, one a file.
//!
//! Clauses cited are of ISO/IEC 14496-12. Only the boxes of our own files can be written; unknown
//! boxes are skipped when reading.

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
pub(super) use ftyp::{write_ftyp, write_styp};
pub(super) use hdlr::Hdlr;
pub(super) use mdhd::Mdhd;
pub(super) use mehd::Mehd;
pub(super) use mfhd::Mfhd;
pub(super) use mvhd::write_mvhd;
pub(super) use pasp::Pasp;
pub(super) use prm1::Prm1;
pub(super) use read::{BoxHeader, Reader};
pub(super) use stbl::write_sample_table;
pub(super) use tfdt::Tfdt;
pub(super) use tfhd::Tfhd;
pub(super) use tkhd::Tkhd;
pub(super) use trex::write_trex;
pub(super) use trun::{Trun, TrunSample};
pub(super) use write::Writer;

use crate::segment::error::{FourCc, SegmentError};

/// One type of box.
pub(super) trait Atom: Sized {
    /// Its four-character code.
    const KIND: FourCc;

    /// Writes the content of the box.
    fn write_body(&self, w: &mut Writer);

    /// Reads the content of the box.
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
pub(super) mod tests {
    use super::*;
    use crate::segment::Track;
    use crate::segment::testing::track;

    /// Writes `atom`, checks its length, that reading gives it back, and that every cut is an error.
    pub(crate) fn round_trip<A: Atom + PartialEq + std::fmt::Debug>(atom: &A, bytes: usize) {
        let mut w = Writer::default();
        atom.write(&mut w);
        let out = w.finish();
        assert_eq!(out.len(), bytes, "{atom:?}");
        assert_eq!(&A::read_from(&Reader::new(&out)).unwrap(), atom);
        for cut in 0..out.len() {
            let read = A::read_from(&Reader::new(&out[..cut]));
            assert!(read.is_err(), "{atom:?} cut at {cut}");
        }
    }

    #[test]
    fn every_box_reads_back_as_it_was_written() {
        let (handler, timescale) = (Hdlr::VIDEO, 30_000);
        let bitrates = Btrt {
            buffer: 5000,
            max: 30_000,
            average: 20_000,
        };
        let (horizontal, vertical) = (4, 3);
        let (width, height) = (256 << 16, 144 << 16);
        let sample = |duration, size| TrunSample { duration, size };
        let run = |starts_with_sync| Trun {
            data_offset: 120,
            starts_with_sync,
            samples: vec![sample(1000, 400), sample(10_000, 70)],
        };
        round_trip(&bitrates, 20);
        round_trip(&Hdlr { handler }, 33);
        round_trip(&Mdhd { timescale }, 32);
        round_trip(&Mehd { duration: 48_000 }, 16);
        round_trip(&Mehd { duration: 1 << 40 }, 20);
        round_trip(&Mfhd { sequence: 7 }, 16);
        round_trip(
            &Pasp {
                horizontal,
                vertical,
            },
            16,
        );
        round_trip(&Tfdt { start: 1 << 33 }, 20);
        round_trip(&Tfhd { track: 1 }, 16);
        round_trip(
            &Tkhd {
                track: 1,
                width,
                height,
            },
            92,
        );
        round_trip(&run(true), Trun::size(2, true));
        round_trip(&run(false), Trun::size(2, false));
        let track = Track {
            pixel_aspect: (4, 3),
            ..track()
        };
        round_trip(&Prm1 { track, bitrates }, 86 + 89 + 20 + 16);
    }
}
