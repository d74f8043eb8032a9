//! The segments that a `sidx` lists (ISO/IEC 14496-12 §8.16.3): an MPD in byte-range form names only where
//! the index lies.

use crate::manifest::{ByteRange, SegmentRef};
use crate::segment::sidx::SegmentIndex;
use crate::time::{MediaTime, Timescale};

/// The segments that `index` lists. It lies at `place` of the file `url`, and times are turned into
/// `timescale`.
pub(super) fn segments(
    index: &SegmentIndex,
    place: ByteRange,
    url: &str,
    timescale: Timescale,
) -> Vec<SegmentRef> {
    let scale = |ticks: u64| {
        let scaled = u128::from(ticks) * u128::from(timescale.ticks());
        let scaled = scaled / u128::from(index.timescale.max(1));
        MediaTime::new(u64::try_from(scaled).unwrap_or(u64::MAX), timescale)
    };
    let mut offset = place.end().saturating_add(index.first_offset);
    let mut ticks = 0u64;
    let mut segments = Vec::with_capacity(index.entries.len());
    for entry in &index.entries {
        let (start, length) = (scale(ticks), u64::from(entry.size));
        ticks += u64::from(entry.duration);
        segments.push(SegmentRef {
            start,
            duration: MediaTime::new(scale(ticks).ticks - start.ticks, timescale),
            url: url.to_owned(),
            range: Some(ByteRange {
                start: offset,
                length,
            }),
            key_frame_end: None,
            sap: entry.starts_with_sap,
        });
        offset = offset.saturating_add(length);
    }
    segments
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::segment::sidx::IndexEntry;

    #[test]
    fn offsets_and_times_add_up() {
        let entry = |size, duration| IndexEntry {
            size,
            duration,
            starts_with_sap: true,
            sap_type: 1,
        };
        let index = SegmentIndex {
            timescale: 12_000,
            start: 0,
            first_offset: 8,
            entries: vec![entry(500, 24_000), entry(400, 12_000)],
        };
        let place = ByteRange {
            start: 700,
            length: 68,
        };
        let found = segments(&index, place, "a.mp4", Timescale::new(24_000).unwrap());
        let ranges: Vec<u64> = found.iter().map(|s| s.range.unwrap().start).collect();
        assert_eq!(ranges, [776, 1276]);
        assert_eq!(found[1].start.ticks, 48_000);
        assert_eq!(found[1].duration.ticks, 24_000);
    }
}
