//! The on-demand file of a rung: init segment, `sidx`, then the media segments, whose byte ranges
//! are exactly what segment URLs name. Works on bytes in memory; knows no file system.

use super::boxes::Reader;
use super::error::FourCc;
use super::error::SegmentError;
use super::init::{Bitrates, Init, write_init};
use super::sidx::{IndexEntry, SegmentIndex};
use super::track::Track;
use crate::time::MediaTime;
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

/// Puts a rung's file together; bitrates are measured over the segments.
///
/// Fails without segments, or if track or segments are out of their limits.
pub fn assemble(track: &Track, segments: &[SegmentBytes]) -> Result<Vec<u8>, SegmentError> {
    if segments.is_empty() {
        return Err(SegmentError::unwritable("segments", 0, "at least 1"));
    }
    let frames: u64 = segments
        .iter()
        .map(|segment| u64::from(segment.frames))
        .sum();
    let duration = track.frame_rate.time_of(frames);
    let mut file = write_init(track, duration, measure(track, segments))?;
    let entries: Vec<IndexEntry> = segments
        .iter()
        .map(|segment| entry(track, segment))
        .collect();
    let index = SegmentIndex {
        timescale: track.timescale().ticks(),
        start: 0,
        first_offset: 0,
        entries,
    };
    file.extend(index.to_bytes()?);
    segments
        .iter()
        .for_each(|segment| file.extend_from_slice(&segment.bytes));
    Ok(file)
}

fn entry(track: &Track, segment: &SegmentBytes) -> IndexEntry {
    IndexEntry {
        size: u32::try_from(segment.bytes.len()).unwrap_or(u32::MAX),
        duration: segment
            .frames
            .saturating_mul(track.frame_rate.frame_ticks()),
        starts_with_sap: segment.sap,
        sap_type: u8::from(segment.sap),
    }
}

fn measure(track: &Track, segments: &[SegmentBytes]) -> Bitrates {
    let rate = |bytes: usize, frames: u64| {
        let seconds = track.frame_rate.time_of(frames).seconds();
        (bytes as f64 * 8.0 / seconds).ceil() as u32
    };
    let peak = segments
        .iter()
        .map(|segment| rate(segment.bytes.len(), segment.frames.into()));
    let bytes: usize = segments.iter().map(|segment| segment.bytes.len()).sum();
    let frames = segments
        .iter()
        .map(|segment| u64::from(segment.frames))
        .sum();
    let largest = segments.iter().map(|segment| segment.bytes.len()).max();
    Bitrates {
        largest_segment: u32::try_from(largest.unwrap_or(0)).unwrap_or(u32::MAX),
        peak: peak.max().unwrap_or(0),
        average: rate(bytes, frames),
    }
}

impl MediaFile {
    /// Reads the layout of a file of `size` bytes from its first [`MAX_HEAD`] bytes (or all).
    ///
    /// Fails, naming the place, if the head is damaged, if the index and the file's size or the
    /// duration do not agree, or if the track's timescale is not the index's.
    pub fn read(head: &[u8], size: u64) -> Result<Self, SegmentError> {
        let init = Init::read(head)?;
        let (init_range, index_range) = find_index(head)?;
        let index = SegmentIndex::from_bytes(&head[index_range.start as usize..])?;
        let file = Self {
            segments: place_segments(&init, &index, index_range.end),
            init,
            init_range,
            index_range,
        };
        file.check(head, &index, size)?;
        Ok(file)
    }

    /// Bytes of init and media segments over the duration, in bit/s: the true rate.
    pub fn true_rate(&self) -> f64 {
        let segments: u64 = self
            .segments
            .iter()
            .map(|s| s.range.end - s.range.start)
            .sum();
        let bytes = segments + self.init_range.end - self.init_range.start;
        bytes as f64 * 8.0 / self.init.duration.seconds()
    }

    fn check(&self, head: &[u8], index: &SegmentIndex, size: u64) -> Result<(), SegmentError> {
        let sidx = Reader::new(head).child(FourCc(*b"sidx"))?;
        let bad = |field, found: u64, expected: u64| {
            Err(sidx.bad_at(sidx.box_offset(), field, found, expected.to_string()))
        };
        let timescale = self.init.track.timescale().ticks();
        if index.timescale != timescale {
            return bad("timescale", index.timescale.into(), timescale.into());
        }
        let ticks: u64 = index
            .entries
            .iter()
            .map(|entry| u64::from(entry.duration))
            .sum();
        if ticks == 0 || ticks != self.init.duration.ticks {
            return bad("sum of durations", ticks, self.init.duration.ticks);
        }
        let end = self
            .segments
            .last()
            .map_or(self.index_range.end, |last| last.range.end);
        if end != size {
            return bad("end of the last segment", end, size);
        }
        Ok(())
    }
}

/// Ranges of everything before `sidx`, and of `sidx`.
fn find_index(head: &[u8]) -> Result<(Range<u64>, Range<u64>), SegmentError> {
    let sidx = Reader::new(head).child(FourCc(*b"sidx"))?;
    let start = sidx.box_offset();
    Ok((0..start, start..sidx.offset() + sidx.left() as u64))
}

fn place_segments(init: &Init, index: &SegmentIndex, index_end: u64) -> Vec<FileSegment> {
    let timescale = init.track.timescale();
    let mut at = index_end.saturating_add(index.first_offset);
    let mut ticks = index.start;
    let segments = index.entries.iter().map(|entry| {
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::testing::track;
    use super::*;

    fn segments() -> Vec<SegmentBytes> {
        let segment = |size: usize, frames, sap| SegmentBytes {
            bytes: vec![size as u8; size],
            frames,
            sap,
        };
        vec![
            segment(300, 48, true),
            segment(500, 24, true),
            segment(100, 48, false),
        ]
    }

    #[test]
    fn ranges_tile_the_file() {
        let file = assemble(&track(), &segments()).unwrap();
        let layout = MediaFile::read(&file, file.len() as u64).unwrap();
        assert_eq!(layout.init_range.end, layout.index_range.start);
        let mut end = layout.index_range.end;
        for (segment, put) in layout.segments.iter().zip(segments()) {
            assert_eq!(segment.range.start, end);
            end = segment.range.end;
            let range = segment.range.start as usize..end as usize;
            assert_eq!(file[range], put.bytes);
            assert_eq!(segment.sap, put.sap);
        }
        assert_eq!(end, file.len() as u64);
        assert_eq!(layout.segments[2].start.ticks, 72_000);
        assert_eq!(layout.init.duration.ticks, 120_000);
    }

    #[test]
    fn bitrates_are_measured() {
        let file = assemble(&track(), &segments()).unwrap();
        let layout = MediaFile::read(&file, file.len() as u64).unwrap();
        let bitrates = layout.init.bitrates;
        assert_eq!(
            (bitrates.largest_segment, bitrates.peak, bitrates.average),
            (500, 4000, 1440)
        );
        let bytes = 900 + layout.init_range.end;
        assert!((layout.true_rate() - bytes as f64 * 8.0 / 5.0).abs() < 1e-9);
    }

    #[test]
    fn a_file_of_another_size_is_refused() {
        let file = assemble(&track(), &segments()).unwrap();
        let error = MediaFile::read(&file, file.len() as u64 - 1)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("sidx at byte"), "{error}");
        assert!(error.contains("end of the last segment"), "{error}");
        assert!(MediaFile::read(&file[..600], file.len() as u64).is_err());
        assert!(assemble(&track(), &[]).is_err());
    }
}
