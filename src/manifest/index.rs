//! Lists a rung's segments from the `sidx` of its file, where a manifest only says where that is.

use super::{ByteRange, ManifestError, Representation, SegmentRef};
use crate::segment::sidx::SegmentIndex;
use crate::time::{MediaTime, Timescale};

impl Representation {
    /// Fills in the segments from the index at `self.index`.
    ///
    /// Fails if `self.index` is not known, or if times or sizes of the index make no sense.
    pub fn list_segments(&mut self, index: &SegmentIndex) -> Result<(), ManifestError> {
        let wrong = |problem: &str| ManifestError::Inconsistent {
            url: self.url.clone(),
            place: format!("sidx of {}", self.id),
            problem: problem.to_owned(),
        };
        let range = self
            .index
            .ok_or_else(|| wrong("the manifest does not say where it is"))?;
        let timescale =
            Timescale::new(index.timescale).map_err(|error| wrong(&error.to_string()))?;
        let mut offset = range.end().saturating_add(index.first_offset);
        let mut ticks = index.start;
        let mut segments = Vec::with_capacity(index.entries.len());
        for entry in &index.entries {
            if entry.size == 0 || entry.duration == 0 {
                return Err(wrong("a segment without bytes or without duration"));
            }
            segments.push(SegmentRef {
                start: MediaTime::new(ticks, timescale),
                duration: MediaTime::new(u64::from(entry.duration), timescale),
                url: self.url.clone(),
                range: Some(ByteRange {
                    start: offset,
                    length: u64::from(entry.size),
                }),
                key_frame_end: None,
                sap: entry.starts_with_sap,
            });
            offset = offset.saturating_add(u64::from(entry.size));
            ticks = ticks.saturating_add(u64::from(entry.duration));
        }
        self.segments = segments;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::manifest::testing::presentation;
    use crate::segment::sidx::IndexEntry;

    fn index_of(rung: &Representation) -> SegmentIndex {
        SegmentIndex {
            timescale: 24000,
            start: 0,
            first_offset: 0,
            entries: rung
                .segments
                .iter()
                .map(|segment| IndexEntry {
                    size: u32::try_from(segment.range.unwrap().length).unwrap(),
                    duration: u32::try_from(segment.duration.ticks).unwrap(),
                    starts_with_sap: segment.sap,
                    sap_type: 1,
                })
                .collect(),
        }
    }

    #[test]
    fn the_index_lists_the_same_segments_as_the_playlist() {
        let whole = presentation().groups[0].representations[1].clone();
        let mut bare = whole.clone();
        bare.segments.clear();
        bare.list_segments(&index_of(&whole)).unwrap();
        let mut expected = whole;
        for segment in &mut expected.segments {
            segment.key_frame_end = None;
        }
        assert_eq!(bare, expected);
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        let mut rung = presentation().groups[0].representations[1].clone();
        let mut index = index_of(&rung);
        index.entries[1].size = 0;
        let error = rung.list_segments(&index).unwrap_err().to_string();
        assert_eq!(
            error,
            "0f3a/mini-r8.mp4: sidx of mini-r8: a segment without bytes or without duration"
        );
        rung.index = None;
        assert!(rung.list_segments(&index).is_err());
    }
}
