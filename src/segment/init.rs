//! The init segment: `ftyp` + `moov`, everything that a player needs once per rung.
//!
//! ```text
//! ftyp cmfc, iso6
//! moov ─ mvhd
//!      ├ trak ─ tkhd
//!      │      └ mdia ─ mdhd (timescale), hdlr (vide)
//!      │             └ minf ─ vmhd, dinf/dref/url
//!      │                    └ stbl ─ stsd/prm1 ─ prmC, btrt, pasp
//!      │                           └ stts, stsc, stco, stsz (all empty)
//!      └ mvex ─ mehd (duration), trex
//! ```
//!
//! # `prmC`, format version 2
//!
//! All numbers are big-endian. A FullBox whose version byte is the format version.
//!
//! | bytes | field | meaning |
//! |---|---|---|
//! | 4 | version, flags | 1, 0 |
//! | 1 + n | profile | length n (1–16) and ASCII: `mini`, `sd-turbo` |
//! | 32 | weights hash | SHA-256 of the generator's weights file; zeros: not specified |
//! | 4 | tokens | rows of P |
//! | 2 | embedding width | columns of P |
//! | 2 | grid width | columns of the token grid; 0: tokens are no picture |
//! | 1 | first component | 0 in a complete rung |
//! | 1 | component count | components in this file, at least 1 |
//! | 1 | full rank | components of the fit: the scale is 1/√(full rank) |
//! | 1 | coding id | 0 reference, 1 layered |
//! | 1 | bits of U | quantiser |
//! | 1 | bits of V | quantiser |
//! | 1 | interpolation | 0 factors, 1 prompt |
//! | 1 | start latent | 0 noise, 1 two passes, 2 coarse, 3 full, 4 chain |
//! | 4 | noise seed | of NumPy's `RandomState` |
//! | 4 | noise weight | IEEE 754 single, 0 to 1 |
//! | 4 + 4 | frame rate | numerator, denominator |
//! | 2 + 2 | visible size | width, height; equal to the sample entry's |
//! | 2 + 2 | coded size | width, height |
//!
//! An unknown version is refused; bytes after the last field are ignored.

use super::boxes::{
    Atom, Btrt, Hdlr, Mdhd, Mehd, Prm1, Reader, Tkhd, Writer, write_ftyp, write_mvhd,
    write_sample_table, write_trex,
};
use super::error::{FourCc, SegmentError};
use super::track::Track;
use crate::time::MediaTime;

/// Number of the one track of a file.
pub(super) const TRACK_ID: u32 = 1;

const MOOV: FourCc = FourCc(*b"moov");
const MVEX: FourCc = FourCc(*b"mvex");
const TRAK: FourCc = FourCc(*b"trak");
const MDIA: FourCc = FourCc(*b"mdia");
const MINF: FourCc = FourCc(*b"minf");

/// Measured bitrates of a file, as its sample entry states them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bitrates {
    /// Bytes of the largest segment.
    pub largest_segment: u32,
    /// Highest bitrate of a segment, bit/s.
    pub peak: u32,
    /// Mean bitrate over the segments, bit/s.
    pub average: u32,
}

/// All that an init segment says.
#[derive(Debug, Clone, PartialEq)]
pub struct Init {
    /// The track's configuration.
    pub track: Track,
    /// Length of the presentation, in the track's timescale.
    pub duration: MediaTime,
    /// Measured bitrates.
    pub bitrates: Bitrates,
}

/// Writes the init segment of a presentation of `duration` (in the track's timescale).
///
/// Fails if the track is out of its limits.
pub fn write_init(
    track: &Track,
    duration: MediaTime,
    bitrates: Bitrates,
) -> Result<Vec<u8>, SegmentError> {
    track.check()?;
    let mut w = Writer::default();
    write_ftyp(&mut w);
    w.boxed(MOOV, |w| {
        write_mvhd(w, track.timescale().ticks());
        w.boxed(TRAK, |w| write_trak(w, track, bitrates));
        w.boxed(MVEX, |w| {
            let duration = duration.ticks;
            Mehd { duration }.write(w);
            write_trex(w, TRACK_ID);
        });
    });
    Ok(w.finish())
}

fn write_trak(w: &mut Writer, track: &Track, bitrates: Bitrates) {
    Tkhd {
        track: TRACK_ID,
        width: shown_width(track),
        height: track.visible.1 << 16,
    }
    .write(w);
    w.boxed(MDIA, |w| {
        let timescale = track.timescale().ticks();
        Mdhd { timescale }.write(w);
        let handler = Hdlr::VIDEO;
        Hdlr { handler }.write(w);
        w.boxed(MINF, |w| {
            write_media_information(w);
            let bitrates = Btrt {
                buffer: bitrates.largest_segment,
                max: bitrates.peak,
                average: bitrates.average,
            };
            let track = track.clone();
            write_sample_table(w, &Prm1 { track, bitrates });
        });
    });
}

/// `vmhd`: copy mode, no colour. `dinf`/`dref`: one reference, to this very file.
fn write_media_information(w: &mut Writer) {
    w.boxed(FourCc(*b"vmhd"), |w| {
        w.version(0, 1);
        w.zeros(8);
    });
    w.boxed(FourCc(*b"dinf"), |w| {
        w.boxed(FourCc(*b"dref"), |w| {
            w.version(0, 0);
            w.u32(1);
            w.boxed(FourCc(*b"url "), |w| w.version(0, 1));
        });
    });
}

/// Width with the pixel aspect applied, 16.16 fixed point.
fn shown_width(track: &Track) -> u32 {
    let (horizontal, vertical) = track.pixel_aspect;
    let width = u128::from(track.visible.0) << 16;
    let shown = width * u128::from(horizontal) / u128::from(vertical.max(1));
    u32::try_from(shown).unwrap_or(u32::MAX)
}

/// Reads the track's configuration from an init segment, or from a whole file.
///
/// Fails, naming the place, on anything but one `prm1` video track of the known format version.
pub fn read_init(bytes: &[u8]) -> Result<Track, SegmentError> {
    Init::read(bytes).map(|init| init.track)
}

impl Init {
    /// As [`read_init`], with duration and bitrates.
    pub fn read(bytes: &[u8]) -> Result<Self, SegmentError> {
        let moov = Reader::new(bytes).child(MOOV)?;
        let trak = moov.child(TRAK)?;
        check_track(&trak)?;
        let mdia = trak.child(MDIA)?;
        check_handler(&mdia)?;
        let mut stsd = mdia
            .child(MINF)?
            .child(FourCc(*b"stbl"))?
            .child(FourCc(*b"stsd"))?;
        stsd.take(8, "entry count")?;
        let entry = Prm1::read_from(&stsd)?;
        check_timescale(&mdia, &entry.track)?;
        let duration = Mehd::read_from(&moov.child(MVEX)?)?.duration;
        Ok(Self {
            duration: MediaTime::new(duration, entry.track.timescale()),
            bitrates: Bitrates {
                largest_segment: entry.bitrates.buffer,
                peak: entry.bitrates.max,
                average: entry.bitrates.average,
            },
            track: entry.track,
        })
    }
}

fn check_track(trak: &Reader<'_>) -> Result<(), SegmentError> {
    let found = Tkhd::read_from(trak)?.track;
    if found != TRACK_ID {
        let offset = trak.box_offset();
        return Err(trak.bad_at(offset, "track_ID", found, TRACK_ID.to_string()));
    }
    Ok(())
}

fn check_handler(mdia: &Reader<'_>) -> Result<(), SegmentError> {
    let found = Hdlr::read_from(mdia)?.handler;
    if found != Hdlr::VIDEO {
        return Err(mdia.bad_at(mdia.box_offset(), "handler_type", found, "vide"));
    }
    Ok(())
}

fn check_timescale(mdia: &Reader<'_>, track: &Track) -> Result<(), SegmentError> {
    let found = Mdhd::read_from(mdia)?.timescale;
    let expected = track.timescale().ticks();
    if found != expected {
        let expected = format!("{expected} for {} frames a second", track.frame_rate);
        return Err(mdia.bad_at(mdia.box_offset(), "timescale", found, expected));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::testing::track;
    use super::*;
    use proptest::prelude::*;

    fn init(track: &Track) -> Vec<u8> {
        let bitrates = Bitrates {
            largest_segment: 3700,
            peak: 16_000,
            average: 14_800,
        };
        write_init(track, track.frame_rate.time_of(60), bitrates).unwrap()
    }

    fn offset_of(bytes: &[u8], kind: &[u8; 4]) -> usize {
        bytes.windows(4).position(|window| window == kind).unwrap() - 4
    }

    #[test]
    fn round_trip() {
        let mut track = track();
        track.pixel_aspect = (16, 11);
        let back = Init::read(&init(&track)).unwrap();
        assert_eq!(back.track, track);
        assert_eq!(back.duration, track.frame_rate.time_of(60));
        assert_eq!(back.bitrates.peak, 16_000);
    }

    #[test]
    fn errors_name_box_path_and_offset() {
        let good = init(&track());
        let mut bytes = good.clone();
        let prmc = offset_of(&bytes, b"prmC");
        bytes[prmc + 4..prmc + 8].copy_from_slice(b"free");
        let prm1 = offset_of(&bytes, b"prm1");
        assert_eq!(
            read_init(&bytes).unwrap_err().to_string(),
            format!("moov/trak/mdia/minf/stbl/stsd/prm1 at byte {prm1}: no prmC")
        );
        let mut bytes = good.clone();
        bytes[prmc + 8] = 9;
        assert_eq!(
            read_init(&bytes).unwrap_err().to_string(),
            format!(
                "moov/trak/mdia/minf/stbl/stsd/prm1/prmC at byte {prmc}: format version 9: this build reads versions 1 to 2"
            )
        );
        let mut bytes = good;
        let mdhd = offset_of(&bytes, b"mdhd");
        bytes[mdhd + 23] ^= 1;
        assert!(
            read_init(&bytes)
                .unwrap_err()
                .to_string()
                .contains("timescale")
        );
    }

    #[test]
    fn other_files_are_refused() {
        assert_eq!(read_init(b"").unwrap_err().to_string(), "byte 0: no moov");
        assert!(read_init(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").is_err());
    }

    proptest! {
        #[test]
        fn damage_never_panics(at in 0usize..600, bit in 0u8..8, cut in 0usize..600) {
            let mut bytes = init(&track());
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            let _ = read_init(&bytes);
            prop_assert!(read_init(&bytes[..cut.min(bytes.len() - 1)]).is_err());
        }
    }
}
