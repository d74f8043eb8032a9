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
//! | 4 | version, flags | 2, 0 |
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

pub use super::track::Bitrates;

use super::boxes::{Reader, TRACK_ID, Writer, read_sample_entry, write_sample_entry};
use super::error::{FourCc, SegmentError};
use super::track::Track;
use crate::time::MediaTime;

/// Visual media: with this handler players and tools show size, rate and bitrate; timed-metadata handlers get
/// neither a size nor a place in a ladder.
const VIDEO: FourCc = FourCc(*b"vide");

/// The unit matrix of `mvhd` and `tkhd`.
const MATRIX: [u32; 9] = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000];

/// The language `und` as three 5-bit letters, before a 16-bit zero.
const UNDETERMINED: u32 = 0x55c4_0000;

/// Default sample flags (§8.8.3.1): the sample depends on others and is not a sync sample.
const DEPENDENT: u32 = 0x0101_0000;

/// Content of an init segment.
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
    // CMAF track, ISO base media file format edition 6; no media profile of CMAF fits.
    w.brands(b"ftyp", [b"cmfc", b"iso6"]);
    w.boxed(b"moov", |w| {
        // Rate 1.0, volume 1.0. Durations in headers are 0: `mehd` has that of all fragments.
        w.full(b"mvhd", (0, 0), |w| {
            w.words(&[0, 0, track.timescale().ticks(), 0]);
            w.words(&[0x10000, 0x0100_0000, 0, 0]);
            w.words(&MATRIX);
            w.words(&[0, 0, 0, 0, 0, 0, TRACK_ID + 1]);
        });
        w.boxed(b"trak", |w| write_trak(w, track, bitrates));
        w.boxed(b"mvex", |w| {
            match u32::try_from(duration.ticks) {
                Ok(ticks) => w.full(b"mehd", (0, 0), |w| w.u32(ticks)),
                Err(_) => w.full(b"mehd", (1, 0), |w| w.u64(duration.ticks)),
            }
            w.full(b"trex", (0, 0), |w| {
                w.words(&[TRACK_ID, 1, 0, 0, DEPENDENT]);
            });
        });
    });
    Ok(w.finish())
}

fn write_trak(w: &mut Writer, track: &Track, bitrates: Bitrates) {
    // Enabled, and part of the presentation.
    w.full(b"tkhd", (0, 3), |w| {
        w.words(&[0, 0, TRACK_ID, 0, 0, 0, 0, 0, 0]);
        w.words(&MATRIX);
        w.words(&[shown_width(track), track.visible.1 << 16]);
    });
    w.boxed(b"mdia", |w| {
        w.full(b"mdhd", (0, 0), |w| {
            w.words(&[0, 0, track.timescale().ticks(), 0, UNDETERMINED]);
        });
        // The name is empty.
        w.full(b"hdlr", (0, 0), |w| {
            w.u32(0);
            w.bytes(&VIDEO.0);
            w.zeros(13);
        });
        w.boxed(b"minf", |w| {
            // Copy mode, no colour; one data reference, to this very file.
            w.full(b"vmhd", (0, 1), |w| w.zeros(8));
            w.boxed(b"dinf", |w| {
                w.full(b"dref", (0, 0), |w| {
                    w.u32(1);
                    w.full(b"url ", (0, 1), |_| {});
                });
            });
            w.boxed(b"stbl", |w| write_sample_table(w, track, bitrates));
        });
    });
}

/// The sample entry and four empty lists: all samples are in fragments.
fn write_sample_table(w: &mut Writer, track: &Track, bitrates: Bitrates) {
    w.full(b"stsd", (0, 0), |w| {
        w.u32(1);
        write_sample_entry(w, track, bitrates);
    });
    for kind in [b"stts", b"stsc", b"stco"] {
        w.boxed(kind, |w| w.zeros(8));
    }
    w.boxed(b"stsz", |w| w.zeros(12));
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
        let moov = Reader::new(bytes).child(b"moov")?;
        let trak = moov.child(b"trak")?;
        let (mut tkhd, version, _) = trak.full(b"tkhd", 1)?;
        tkhd.take(dates(version), "creation and modification time")?;
        trak.expect("track_ID", tkhd.u32("track_ID")?, TRACK_ID)?;
        tkhd.take(if version == 1 { 72 } else { 68 }, "track header")?;
        let mdia = trak.child(b"mdia")?;
        let (mut hdlr, ..) = mdia.full(b"hdlr", 0)?;
        hdlr.u32("pre_defined")?;
        mdia.expect("handler_type", FourCc(hdlr.array("handler_type")?), VIDEO)?;
        hdlr.take(13, "handler name")?;
        let minf = mdia.child(b"minf")?;
        let mut stsd = minf.child(b"stbl")?.child(b"stsd")?;
        stsd.take(8, "entry count")?;
        let (track, bitrates) = read_sample_entry(&stsd)?;
        check_timescale(&mdia, &track)?;
        let (mut mehd, version, _) = moov.child(b"mvex")?.full(b"mehd", 1)?;
        let duration = mehd.sized(version, "fragment_duration")?;
        Ok(Self {
            duration: MediaTime::new(duration, track.timescale()),
            bitrates,
            track,
        })
    }
}

/// Bytes of the creation and the modification time in a header of this version.
fn dates(version: u8) -> usize {
    if version == 1 { 16 } else { 8 }
}

fn check_timescale(mdia: &Reader<'_>, track: &Track) -> Result<(), SegmentError> {
    let (mut mdhd, version, _) = mdia.full(b"mdhd", 1)?;
    mdhd.take(dates(version), "creation and modification time")?;
    let found = mdhd.u32("timescale")?;
    mdhd.take(if version == 1 { 12 } else { 8 }, "duration and language")?;
    let expected = track.timescale().ticks();
    if found != expected {
        let expected = format!("{expected} for {} frames a second", track.frame_rate);
        return Err(mdia.bad_at(mdia.start, "timescale", found, expected));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::testing::track;
    use super::*;

    const BITRATES: Bitrates = Bitrates {
        largest_segment: 3700,
        peak: 16_000,
        average: 14_800,
    };

    fn offset_of(bytes: &[u8], kind: &[u8; 4]) -> usize {
        bytes.windows(4).position(|window| window == kind).unwrap() - 4
    }

    #[test]
    fn an_init_segment_reads_back_and_no_cut_of_it_is_one() {
        let mut track = track();
        track.pixel_aspect = (16, 11);
        for ticks in [60_000, 1 << 40] {
            let duration = MediaTime::new(ticks, track.timescale());
            let bytes = write_init(&track, duration, BITRATES).unwrap();
            let init = Init::read(&bytes).unwrap();
            assert_eq!((&init.track, init.duration), (&track, duration));
            assert_eq!(init.bitrates, BITRATES);
            for cut in 0..bytes.len() {
                assert!(read_init(&bytes[..cut]).is_err(), "cut at {cut}");
            }
        }
    }

    #[test]
    fn errors_name_box_path_and_offset() {
        let good = write_init(&track(), track().frame_rate.time_of(60), BITRATES).unwrap();
        let [prm1, prmc] = [b"prm1", b"prmC"].map(|kind| offset_of(&good, kind));
        let entry = "moov/trak/mdia/minf/stbl/stsd/prm1";
        for (kind, offset, value, expected) in [
            (b"prmC", 4, b'f', format!("{entry} at byte {prm1}: no prmC")),
            (
                b"prmC",
                8,
                9,
                format!(
                    "{entry}/prmC at byte {prmc}: format version 9: this build reads versions 1 to 2"
                ),
            ),
            (b"prmC", 58, 0, "component count is 0".to_owned()),
            (b"prmC", 58, 9, "components is 0 and 9 more".to_owned()),
            (
                b"mdhd",
                23,
                0xc1,
                "timescale is 24001, expected 24000 for 24".to_owned(),
            ),
            (
                b"hdlr",
                16,
                b'm',
                "handler_type is mide, expected vide".to_owned(),
            ),
            (b"tkhd", 23, 2, "track_ID is 2, expected 1".to_owned()),
        ] {
            let mut bytes = good.clone();
            bytes[offset_of(&good, kind) + offset] = value;
            let error = read_init(&bytes).unwrap_err().to_string();
            assert!(error.contains(&expected), "{error}");
        }
        assert_eq!(read_init(b"").unwrap_err().to_string(), "byte 0: no moov");
        assert!(read_init(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR").is_err());
    }

    #[test]
    fn fields_that_later_versions_may_add_are_ignored() {
        let mut w = Writer::default();
        write_sample_entry(&mut w, &track(), BITRATES);
        let mut bytes = w.finish();
        let prmc = offset_of(&bytes, b"prmC");
        let end = prmc + usize::from(bytes[prmc + 3]);
        bytes.splice(end..end, [1, 2, 3]);
        bytes[prmc + 3] += 3;
        bytes[3] += 3;
        let (read, _) = read_sample_entry(&Reader::new(&bytes)).unwrap();
        assert_eq!(read, track());
    }
}
