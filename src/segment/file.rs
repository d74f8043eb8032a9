//! The on-demand file of a rung: init segment, `sidx`, then the media segments, whose byte ranges
//! are those of the segment URLs. Works on bytes in memory.

use super::boxes::Reader;
use super::error::SegmentError;
use super::init::{Bitrates, Init, write_init};
use super::sidx::{IndexEntry, SegmentIndex};
use super::track::Track;
use crate::time::{MediaTime, Timescale};
use std::ops::Range;

/// Longest possible head: an init segment of at most a kilobyte, and an index of 65,535 segments.
/// The first this many bytes of a file are all that [`MediaFile::read`] needs.
pub const MAX_HEAD: usize = 1 << 20;

/// A segment to be put into a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentBytes {
    /// As [`super::coded::CodedSegment::write`] made it.
    pub bytes: Vec<u8>,
    /// Pictures in it.
    pub frames: u32,
    /// Whether a player can start here.
    pub sap: bool,
}

/// Layout of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaFile {
    /// Track, duration, bitrates.
    pub init: Init,
    /// Bytes of `ftyp` and `moov`.
    pub init_range: Range<u64>,
    /// Bytes of `sidx`.
    pub index_range: Range<u64>,
    /// In order, without gaps.
    pub segments: Vec<FileSegment>,
}

/// One segment of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSegment {
    /// Its bytes, `styp` included.
    pub range: Range<u64>,
    /// When it starts, in the track's timescale.
    pub start: MediaTime,
    /// How long it lasts.
    pub duration: MediaTime,
    /// Whether a player can start here.
    pub sap: bool,
}

/// Builds a rung's file; bitrates are measured over the segments.
///
/// Fails without segments, or if track or segments are out of their limits.
pub fn assemble(track: &Track, segments: &[SegmentBytes]) -> Result<Vec<u8>, SegmentError> {
    if segments.is_empty() {
        return Err(SegmentError::unwritable("segments", 0, "at least 1"));
    }
    let frames = segments.iter().map(|segment| u64::from(segment.frames));
    let frames: u64 = frames.sum();
    let duration = track.frame_rate.time_of(frames);
    let mut file = write_init(track, duration, measure(track, segments, frames))?;
    let entries = segments.iter().map(|segment| IndexEntry {
        size: u32::try_from(segment.bytes.len()).unwrap_or(u32::MAX),
        duration: segment
            .frames
            .saturating_mul(track.frame_rate.frame_ticks()),
        starts_with_sap: segment.sap,
        sap_type: u8::from(segment.sap),
    });
    let index = SegmentIndex {
        timescale: track.timescale().ticks(),
        start: 0,
        first_offset: 0,
        entries: entries.collect(),
    };
    file.extend(index.to_bytes()?);
    for segment in segments {
        file.extend_from_slice(&segment.bytes);
    }
    Ok(file)
}

fn measure(track: &Track, segments: &[SegmentBytes], frames: u64) -> Bitrates {
    let rate = |bytes: usize, frames: u64| {
        let seconds = track.frame_rate.time_of(frames).seconds();
        (bytes as f64 * 8.0 / seconds).ceil() as u32
    };
    let sizes = segments.iter().map(|segment| segment.bytes.len());
    let peaks = segments
        .iter()
        .map(|segment| rate(segment.bytes.len(), segment.frames.into()));
    Bitrates {
        largest_segment: u32::try_from(sizes.clone().max().unwrap_or(0)).unwrap_or(u32::MAX),
        peak: peaks.max().unwrap_or(0),
        average: rate(sizes.sum(), frames),
    }
}

impl MediaFile {
    /// Reads the layout of a file of `size` bytes from its first [`MAX_HEAD`] bytes (or all).
    ///
    /// Fails, naming the place, if the head is damaged, if the index and the file's size or the
    /// duration do not agree, or if the track's timescale is not the index's.
    pub fn read(head: &[u8], size: u64) -> Result<Self, SegmentError> {
        let init = Init::read(head)?;
        let sidx = Reader::new(head).child(b"sidx")?;
        let index = SegmentIndex::from_bytes(&head[sidx.start as usize..])?;
        let timescale = init.track.timescale();
        sidx.expect("timescale", index.timescale, timescale.ticks())?;
        let ticks = index.entries.iter().map(|entry| u64::from(entry.duration));
        let ticks: u64 = ticks.sum();
        if ticks == 0 {
            return Err(sidx.bad_at(sidx.start, "sum of durations", 0, "at least 1"));
        }
        sidx.expect("sum of durations", ticks, init.duration.ticks)?;
        let segments = index.segments(sidx.end(), timescale);
        let end = segments.last().map_or(sidx.end(), |last| last.range.end);
        sidx.expect("end of the last segment", end, size)?;
        Ok(Self {
            init,
            init_range: 0..sidx.start,
            index_range: sidx.start..sidx.end(),
            segments,
        })
    }

    /// Bytes of init and media segments over the duration, in bit/s: the true rate.
    pub fn true_rate(&self) -> f64 {
        let segments = self.segments.iter().map(|segment| &segment.range);
        let ranges = segments.chain([&self.init_range]);
        let bytes: u64 = ranges.map(|range| range.end - range.start).sum();
        bytes as f64 * 8.0 / self.init.duration.seconds()
    }
}

impl SegmentIndex {
    /// The segments of a file whose index ends at the byte `end`, with times in `timescale`, that of the index.
    pub fn segments(&self, end: u64, timescale: Timescale) -> Vec<FileSegment> {
        let (mut at, mut ticks) = (end.saturating_add(self.first_offset), self.start);
        let segments = self.entries.iter().map(|entry| {
            let (from, start) = (at, ticks);
            at = at.saturating_add(u64::from(entry.size));
            ticks = ticks.saturating_add(u64::from(entry.duration));
            FileSegment {
                range: from..at,
                start: MediaTime::new(start, timescale),
                duration: MediaTime::new(entry.duration.into(), timescale),
                sap: entry.starts_with_sap,
            }
        });
        segments.collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::testing::track;
    use super::*;

    #[test]
    fn ranges_tile_the_file_and_bitrates_are_measured() {
        let segments = [(300, 48, true), (500, 24, true), (100, 48, false)];
        let segments = segments.map(|(size, frames, sap)| SegmentBytes {
            bytes: vec![size as u8; size],
            frames,
            sap,
        });
        let file = assemble(&track(), &segments).unwrap();
        let size = file.len() as u64;
        let layout = MediaFile::read(&file, size).unwrap();
        assert_eq!(layout.init_range.end, layout.index_range.start);
        let mut end = layout.index_range.end;
        for (segment, put) in layout.segments.iter().zip(&segments) {
            assert_eq!(segment.range.start, end);
            end = segment.range.end;
            let range = segment.range.start as usize..end as usize;
            assert_eq!(file[range], put.bytes);
            assert_eq!(segment.sap, put.sap);
        }
        assert_eq!(end, size);
        assert_eq!(layout.segments[2].start.ticks, 72_000);
        assert_eq!(layout.init.duration.ticks, 120_000);
        let expected = Bitrates {
            largest_segment: 500,
            peak: 4000,
            average: 1440,
        };
        assert_eq!(layout.init.bitrates, expected);
        let bytes = 900 + layout.init_range.end;
        assert!((layout.true_rate() - bytes as f64 * 8.0 / 5.0).abs() < 1e-9);

        let error = MediaFile::read(&file, size - 1).unwrap_err().to_string();
        let place = format!(
            "sidx at byte {}: end of the last segment",
            layout.init_range.end
        );
        assert!(error.starts_with(&place), "{error}");
        assert!(MediaFile::read(&file[..600], size).is_err());
        assert!(assemble(&track(), &[]).is_err());
    }
}
