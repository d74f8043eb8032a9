//! A media segment: `styp` + `moof` + `mdat`, one `traf`, one sample a keyframe.
//!
//! | box | bytes | holds |
//! |---|---|---|
//! | `styp` | 24 | brands `msdh`, `cmfs` |
//! | `moof` / `mfhd` | 8 + 16 | sequence number |
//! | `traf` / `tfhd` | 8 + 16 | track 1, offsets from the `moof` |
//! | `tfdt` | 20 | start, version 1 |
//! | `trun` | 20 (24) + 8 n | duration and size of n samples; 4 more to mark the first as a sync sample |
//! | `mdat` | 8 | the samples |
//!
//! 124 + 8 n bytes in all for a segment that can be switched to. Clauses: ISO/IEC 14496-12 §8.8,
//! §8.16; ISO/IEC 23000-19 §7. For the content of samples see [`super::sample`].

use super::boxes::{
    Atom, BoxHeader, Mfhd, Reader, Tfdt, Tfhd, Trun, TrunSample, Writer, write_styp,
};
use super::error::{FourCc, SegmentError};
use super::init::TRACK_ID;
use crate::time::MediaTime;
use bytes::Bytes;

const MOOF: FourCc = FourCc(*b"moof");
const TRAF: FourCc = FourCc(*b"traf");
const MDAT: FourCc = FourCc(*b"mdat");

/// Boxes around `trun` inside the `moof`, in bytes: `moof`, `mfhd`, `traf`, `tfhd`, `tfdt`.
const MOOF_FIXED: usize = 8 + 16 + 8 + 16 + 20;

/// One sample: the bytes of a keyframe and how long it lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Header and layers as [`super::sample`] lays them out.
    pub data: Bytes,
    /// Ticks of the track's timescale.
    pub duration: u32,
}

/// A media segment, whole or cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaSegment {
    /// Position in the rung, from 1.
    pub sequence: u32,
    /// Start in ticks of the track's timescale.
    pub start_ticks: u64,
    /// Whether the segment is closed: its first sample needs nothing before it (SAP type 1).
    pub sap: bool,
    /// The samples that are there, in order.
    pub samples: Vec<Sample>,
    /// Samples that the segment announces but a cut-off fetch does not hold; 0 for a whole one.
    pub missing: usize,
    /// Bytes from the start of the segment to the end of its first sample: what an I-frame
    /// playlist names.
    pub first_sample_end: u64,
}

/// Writes a segment that starts at `start` (in the track's timescale). `sap` says that the first
/// sample needs nothing before it.
///
/// Fails without samples, or if they exceed 4 GiB.
pub fn write_media(
    sequence: u32,
    start: MediaTime,
    sap: bool,
    samples: &[Sample],
) -> Result<Vec<u8>, SegmentError> {
    let run = run_of(samples, sap)?;
    let mut w = Writer::default();
    write_styp(&mut w);
    w.boxed(MOOF, |w| {
        Mfhd { sequence }.write(w);
        w.boxed(TRAF, |w| {
            Tfhd { track: TRACK_ID }.write(w);
            Tfdt { start: start.ticks }.write(w);
            run.write(w);
        });
    });
    w.boxed(MDAT, |w| {
        samples.iter().for_each(|sample| w.bytes(&sample.data));
    });
    Ok(w.finish())
}

fn run_of(samples: &[Sample], sap: bool) -> Result<Trun, SegmentError> {
    let total: u64 = samples.iter().map(|sample| sample.data.len() as u64).sum();
    // Room for the headers of a full trun beside the samples, so that no box outgrows 32 bits.
    if samples.is_empty() || samples.len() > 1 << 24 || total > u64::from(u32::MAX) - (1 << 28) {
        let found = format!("{} samples of {total} bytes", samples.len());
        return Err(SegmentError::unwritable(
            "segment",
            found,
            "1 sample to 3.7 GiB of them",
        ));
    }
    let data_offset = MOOF_FIXED + Trun::size(samples.len(), sap) + 8;
    let entries = samples.iter().map(|sample| TrunSample {
        duration: sample.duration,
        size: sample.data.len() as u32,
    });
    Ok(Trun {
        data_offset: data_offset as i32,
        starts_with_sync: sap,
        samples: entries.collect(),
    })
}

/// Reads a whole segment.
///
/// Fails, naming the place, on anything but one fragment of one track with all of its samples.
pub fn read_media(segment: &[u8]) -> Result<MediaSegment, SegmentError> {
    let (media, data) = read_fragment(segment)?;
    if media.missing > 0 {
        let (header, left) = data;
        return Err(SegmentError::Truncated {
            place: Reader::new(segment).place_at(header.offset),
            what: "mdat box".to_owned(),
            needed: header.size,
            left,
        });
    }
    Ok(media)
}

/// Reads the whole samples that a cut-off fetch holds; [`MediaSegment::missing`] counts the others.
///
/// Fails if the fetch ends before the `mdat` begins (nothing can be made of it), or on what
/// [`read_media`] fails on.
pub fn read_partial(segment: &[u8]) -> Result<MediaSegment, SegmentError> {
    read_fragment(segment).map(|(media, _)| media)
}

/// Where the samples of a segment end, from what it begins with: for each, the bytes from the start
/// of the segment to its end, and the ticks that it and those before it last.
///
/// Fails, naming the place, if `head` ends before the header of the `mdat` does, or on boxes that
/// [`read_media`] fails on.
pub fn sample_ends(head: &[u8]) -> Result<Vec<(u64, u64)>, SegmentError> {
    let mut top = Reader::new(head);
    let moof = next_fragment(&mut top)?;
    let traf = moof.child(TRAF)?;
    check_track(&traf)?;
    let run = Trun::read_from(&traf)?;
    let mdat = top.header()?.ok_or_else(|| missing(&top, MDAT))?;
    check_data(&top, &mdat, &moof, &run)?;
    let samples = run.samples.iter();
    let ends = samples.scan((mdat.offset + mdat.header, 0), |(bytes, ticks), sample| {
        *bytes += u64::from(sample.size);
        *ticks += u64::from(sample.duration);
        Some((*bytes, *ticks))
    });
    Ok(ends.collect())
}

/// The next `moof`; boxes before it are skipped.
fn next_fragment<'a>(top: &mut Reader<'a>) -> Result<Reader<'a>, SegmentError> {
    loop {
        match top.next_box()? {
            Some((MOOF, moof)) => return Ok(moof),
            Some(_) => {}
            None => return Err(missing(top, MOOF)),
        }
    }
}

/// The segment, and the header of its `mdat` with the bytes present from there on.
fn read_fragment(segment: &[u8]) -> Result<(MediaSegment, (BoxHeader, u64)), SegmentError> {
    let mut top = Reader::new(segment);
    let moof = next_fragment(&mut top)?;
    let sequence = Mfhd::read_from(&moof)?.sequence;
    let traf = moof.child(TRAF)?;
    check_track(&traf)?;
    let start_ticks = Tfdt::read_from(&traf)?.start;
    let run = Trun::read_from(&traf)?;
    let mdat = top.header()?.ok_or_else(|| missing(&top, MDAT))?;
    check_data(&top, &mdat, &moof, &run)?;
    let left = mdat.header + top.left() as u64;
    let body = (mdat.size - mdat.header).min(top.left() as u64) as usize;
    let data = top.take(body, "mdat box")?;
    if let Some(next) = top.header()? {
        let place = next.offset;
        return Err(top.bad_at(place, "box", next.kind, "the end of the segment after mdat"));
    }
    let media = MediaSegment {
        sequence,
        start_ticks,
        sap: run.starts_with_sync,
        samples: whole_samples(&run, data),
        missing: 0,
        first_sample_end: mdat.offset
            + mdat.header
            + run.samples.first().map_or(0, |first| u64::from(first.size)),
    };
    let missing = run.samples.len() - media.samples.len();
    Ok((MediaSegment { missing, ..media }, (mdat, left)))
}

fn missing(top: &Reader<'_>, child: FourCc) -> SegmentError {
    SegmentError::Missing {
        place: top.place_at(top.offset()),
        child,
    }
}

fn check_track(traf: &Reader<'_>) -> Result<(), SegmentError> {
    let track = Tfhd::read_from(traf)?.track;
    if track != TRACK_ID {
        let offset = traf.box_offset();
        return Err(traf.bad_at(offset, "track_ID", track, TRACK_ID.to_string()));
    }
    Ok(())
}

/// The box after `moof` must be the `mdat` that the run's offset points at, and hold its samples
/// and nothing else.
fn check_data(
    top: &Reader<'_>,
    mdat: &BoxHeader,
    moof: &Reader<'_>,
    run: &Trun,
) -> Result<(), SegmentError> {
    let at = mdat.offset;
    if mdat.kind != MDAT {
        return Err(top.bad_at(at, "box", mdat.kind, "mdat"));
    }
    let begins = i128::from(at + mdat.header) - i128::from(moof.box_offset());
    if i128::from(run.data_offset) != begins {
        let place = moof.box_offset();
        return Err(moof.bad_at(place, "data_offset", run.data_offset, begins.to_string()));
    }
    let total: u64 = run
        .samples
        .iter()
        .map(|sample| u64::from(sample.size))
        .sum();
    let held = mdat.size - mdat.header;
    if run.samples.is_empty() || total != held {
        let found = format!("{total} bytes in {} samples", run.samples.len());
        let expected = format!("samples of {held} bytes together, as mdat holds");
        return Err(moof.bad_at(moof.box_offset(), "trun", found, expected));
    }
    Ok(())
}

fn whole_samples(run: &Trun, data: &[u8]) -> Vec<Sample> {
    let mut rest = data;
    let samples = run.samples.iter().map_while(|entry| {
        let (sample, after) = rest.split_at_checked(entry.size as usize)?;
        rest = after;
        Some(Sample {
            data: Bytes::copy_from_slice(sample),
            duration: entry.duration,
        })
    });
    samples.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::time::Timescale;
    use proptest::prelude::*;

    fn segment(sizes: &[usize], sap: bool) -> (Vec<Sample>, Vec<u8>) {
        let sample = |(index, &size): (usize, &usize)| Sample {
            data: vec![index as u8; size].into(),
            duration: 1000 * (index as u32 + 1),
        };
        let samples: Vec<Sample> = sizes.iter().enumerate().map(sample).collect();
        let start = MediaTime::new(48_000, Timescale::new(24_000).unwrap());
        let bytes = write_media(2, start, sap, &samples).unwrap();
        (samples, bytes)
    }

    #[test]
    fn overhead_is_124_bytes_and_8_a_sample() {
        let (samples, bytes) = segment(&[400, 70, 0, 66], true);
        assert_eq!(bytes.len(), 124 + 8 * 4 + 536);
        let back = read_media(&bytes).unwrap();
        assert_eq!(
            (back.sequence, back.start_ticks, back.sap),
            (2, 48_000, true)
        );
        assert_eq!(back.samples, samples);
        assert_eq!(back.first_sample_end, 124 + 8 * 4 + 400);
        assert!(!read_media(&segment(&[5], false).1).unwrap().sap);
    }

    #[test]
    fn a_cut_off_fetch_holds_its_whole_samples() {
        let (samples, bytes) = segment(&[400, 70, 66], true);
        let whole = |length: usize| read_partial(&bytes[..length]).unwrap();
        let head = bytes.len() - 536;
        assert_eq!((whole(head).samples.len(), whole(head).missing), (0, 3));
        assert_eq!(whole(head + 399).samples.len(), 0);
        assert_eq!(whole(head + 400).samples, samples[..1]);
        assert_eq!(whole(bytes.len() - 1).samples, samples[..2]);
        assert_eq!(whole(bytes.len()).missing, 0);
        assert!(read_partial(&bytes[..head - 9]).is_err());
        let error = read_media(&bytes[..bytes.len() - 1]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "byte 140: cut short: mdat box needs 544 bytes, 543 are left"
        );
    }

    #[test]
    fn a_head_tells_where_samples_end() {
        let (_, bytes) = segment(&[400, 70, 66], true);
        let head = bytes.len() - 536;
        let ends = [(400, 1000), (470, 3000), (536, 6000)];
        let ends = ends.map(|(bytes, ticks)| (head as u64 + bytes, ticks));
        assert_eq!(sample_ends(&bytes[..head]).unwrap(), ends);
        assert_eq!(sample_ends(&bytes).unwrap(), ends);
        assert!(sample_ends(&bytes[..head - 1]).is_err());
    }

    #[test]
    fn a_segment_without_samples_is_refused() {
        let start = MediaTime::new(0, Timescale::new(1000).unwrap());
        assert!(write_media(1, start, true, &[]).is_err());
    }

    #[test]
    fn two_fragments_are_refused() {
        let (_, bytes) = segment(&[9], true);
        let error = read_media(&bytes.repeat(2)).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("expected the end of the segment"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn damage_never_panics(at in 0usize..170, bit in 0u8..8, cut in 0usize..220) {
            let (_, mut bytes) = segment(&[30, 20, 10], true);
            bytes[at] ^= 1 << bit;
            let _ = read_media(&bytes);
            let _ = read_partial(&bytes[..cut.min(bytes.len())]);
            let _ = sample_ends(&bytes[..cut.min(bytes.len())]);
        }
    }
}
