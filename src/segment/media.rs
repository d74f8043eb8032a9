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

use super::boxes::{BoxHeader, Reader, TRACK_ID, Trun, TrunSample, Writer};
use super::error::SegmentError;
use crate::time::MediaTime;
use bytes::Bytes;

/// Flag of `tfhd` (§8.8.7): data offsets count from the start of the `moof`.
const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;

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
    /// Bytes from the start of the segment to the end of its first sample: the range in an I-frame
    /// playlist.
    pub first_sample_end: u64,
}

/// Writes a segment that starts at `start` (in the track's timescale). With `sap` the first
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
    w.brands(b"styp", [b"msdh", b"cmfs"]);
    w.boxed(b"moof", |w| {
        w.full(b"mfhd", (0, 0), |w| w.u32(sequence));
        w.boxed(b"traf", |w| {
            w.full(b"tfhd", (0, DEFAULT_BASE_IS_MOOF), |w| w.u32(TRACK_ID));
            // Always 64 bits (ISO/IEC 23000-19 §7).
            w.full(b"tfdt", (1, 0), |w| w.u64(start.ticks));
            run.write(w);
        });
    });
    w.boxed(b"mdat", |w| {
        samples.iter().for_each(|sample| w.bytes(&sample.data));
    });
    Ok(w.finish())
}

fn run_of(samples: &[Sample], sap: bool) -> Result<Trun, SegmentError> {
    let total: u64 = samples.iter().map(|sample| sample.data.len() as u64).sum();
    // Room for the headers of a full trun, so that no box outgrows 32 bits.
    if samples.is_empty() || samples.len() > 1 << 24 || total > u64::from(u32::MAX) - (1 << 28) {
        let found = format!("{} samples of {total} bytes", samples.len());
        let expected = "1 sample to 3.7 GiB of them";
        return Err(SegmentError::unwritable("segment", found, expected));
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
    let head = Head::read(segment)?;
    let media = head.media()?;
    let Head { content, mdat, .. } = &head;
    match media.missing {
        0 => Ok(media),
        _ => Err(content.truncated(mdat.offset, "mdat box", mdat.size)),
    }
}

/// Reads the whole samples that a cut-off fetch holds; [`MediaSegment::missing`] counts the others.
///
/// Fails if the fetch ends before the `mdat` begins (no sample is complete then), or on what
/// [`read_media`] fails on.
pub fn read_partial(segment: &[u8]) -> Result<MediaSegment, SegmentError> {
    Head::read(segment)?.media()
}

/// Where the samples of a segment end, from its first bytes: for each, the bytes from the start
/// of the segment to its end, and the ticks that it and those before it last.
///
/// Fails, naming the place, if `head` ends before the header of the `mdat` does, or on boxes that
/// [`read_media`] fails on.
pub fn sample_ends(head: &[u8]) -> Result<Vec<(u64, u64)>, SegmentError> {
    let head = Head::read(head)?;
    let start = (head.content.offset, 0);
    let ends = head
        .run
        .samples
        .iter()
        .scan(start, |(bytes, ticks), sample| {
            *bytes += u64::from(sample.size);
            *ticks += u64::from(sample.duration);
            Some((*bytes, *ticks))
        });
    Ok(ends.collect())
}

/// The boxes of a segment before the content of its `mdat`.
struct Head<'a> {
    sequence: u32,
    start_ticks: u64,
    run: Trun,
    mdat: BoxHeader,
    /// From the first byte after the header of the `mdat` on.
    content: Reader<'a>,
}

impl<'a> Head<'a> {
    /// Boxes before the `moof` are skipped.
    fn read(segment: &'a [u8]) -> Result<Self, SegmentError> {
        let mut top = Reader::new(segment);
        let moof = top.find(b"moof")?;
        let sequence = moof.full(b"mfhd", 0)?.0.u32("sequence_number")?;
        let traf = moof.child(b"traf")?;
        let (mut tfhd, _, flags) = traf.full(b"tfhd", 0)?;
        if flags != DEFAULT_BASE_IS_MOOF {
            let found = format!("{flags:#08x}");
            let expected = "0x020000 (default-base-is-moof)";
            return Err(tfhd.bad_at(tfhd.offset - 4, "flags", found, expected));
        }
        traf.expect("track_ID", tfhd.u32("track_ID")?, TRACK_ID)?;
        let (mut tfdt, version, _) = traf.full(b"tfdt", 1)?;
        let start_ticks = tfdt.sized(version, "baseMediaDecodeTime")?;
        let run = Trun::read(&traf)?;
        let mdat = top.header()?.ok_or_else(|| top.missing(b"mdat"))?;
        if mdat.kind.0 != *b"mdat" {
            return Err(top.bad_at(mdat.offset, "box", mdat.kind, "mdat"));
        }
        let head = Self {
            sequence,
            start_ticks,
            run,
            mdat,
            content: top,
        };
        head.check_run(&moof)?;
        Ok(head)
    }

    /// The run must begin where the content of `mdat` does, and its samples must fill that.
    fn check_run(&self, moof: &Reader<'_>) -> Result<(), SegmentError> {
        let begins = i128::from(self.content.offset) - i128::from(moof.start);
        moof.expect("data_offset", i128::from(self.run.data_offset), begins)?;
        let samples = &self.run.samples;
        let total: u64 = samples.iter().map(|sample| u64::from(sample.size)).sum();
        let held = self.mdat.size - self.mdat.header;
        if samples.is_empty() || total != held {
            let found = format!("{total} bytes in {} samples", samples.len());
            let expected = format!("samples of {held} bytes together, as mdat holds");
            return Err(moof.bad_at(moof.start, "trun", found, expected));
        }
        Ok(())
    }

    /// The segment, with the samples that are present in full.
    fn media(&self) -> Result<MediaSegment, SegmentError> {
        let mut rest = self.content.clone();
        let entries = &self.run.samples;
        let present = |entry: &TrunSample| {
            Some(Sample {
                data: Bytes::copy_from_slice(rest.take(entry.size as usize, "sample").ok()?),
                duration: entry.duration,
            })
        };
        let samples: Vec<Sample> = entries.iter().map_while(present).collect();
        let missing = entries.len() - samples.len();
        if missing == 0
            && let Some(next) = rest.header()?
        {
            let expected = "the end of the segment after mdat";
            return Err(rest.bad_at(next.offset, "box", next.kind, expected));
        }
        let first = entries.first().map_or(0, |first| u64::from(first.size));
        Ok(MediaSegment {
            sequence: self.sequence,
            start_ticks: self.start_ticks,
            sap: self.run.starts_with_sync,
            samples,
            missing,
            first_sample_end: self.content.offset + first,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::time::Timescale;

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
    fn no_samples_and_two_fragments_are_refused() {
        let start = MediaTime::new(0, Timescale::new(1000).unwrap());
        assert!(write_media(1, start, true, &[]).is_err());
        let (_, bytes) = segment(&[9], true);
        let error = read_media(&bytes.repeat(2)).unwrap_err().to_string();
        assert!(error.contains("expected the end of the segment"), "{error}");
    }

    #[test]
    fn fields_that_contradict_each_other_are_named() {
        let (_, good) = segment(&[9, 5], true);
        let at = |kind: &[u8; 4]| good.windows(4).position(|window| window == kind).unwrap();
        for (kind, offset, expected) in [
            (b"tfhd", 11, "traf at byte 48: track_ID is 2, expected 1"),
            (b"tfhd", 5, "tfhd at byte 64: flags is 0x030000"),
            (
                b"trun",
                15,
                "moof at byte 24: data_offset is 117, expected 116",
            ),
            (
                b"trun",
                27,
                "trun is 15 bytes in 2 samples, expected samples of 14",
            ),
            // A false count is an error, not an allocation.
            (b"trun", 8, "list of samples needs 134217744 bytes"),
        ] {
            let mut bytes = good.clone();
            bytes[at(kind) + offset] += 1;
            let error = read_media(&bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
