//! One media playlist: the init segment and the media segments of one rung.

use crate::manifest::addressing::use_segment_urls;
use crate::manifest::{ByteRange, Group, Representation, SegmentRef};
use crate::time::MediaTime;

/// The content of a media playlist. URLs are relative to the same place as the URL of the playlist
/// that it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Media {
    /// URL of the init segment.
    pub url: String,
    /// The init segment within `url`; `None` means all of it.
    pub init: Option<ByteRange>,
    /// Whether every segment decodes from its own bytes alone.
    pub independent_segments: bool,
    /// The segments in order. Of an I-frame playlist: the pictures.
    pub segments: Vec<SegmentRef>,
}

impl Media {
    /// The media playlist of a rung.
    pub fn of(group: &Group, rung: &Representation) -> Self {
        Self {
            url: rung.url.clone(),
            init: rung.init,
            independent_segments: group.independent_segments,
            segments: rung.segments.clone(),
        }
    }

    /// Takes the random access points, and the extent of their first samples, from the I-frame
    /// playlist of the same rung. False if a picture starts where no segment does.
    pub fn mark_pictures(&mut self, iframes: &Media) -> bool {
        let mut pictures = iframes.segments.iter().peekable();
        for segment in &mut self.segments {
            let here = |picture: &&SegmentRef| picture.start.ticks == segment.start.ticks;
            if let Some(picture) = pictures.next_if(here) {
                segment.sap = true;
                segment.key_frame_end = picture.range.map(|range| range.length);
            }
        }
        pictures.next().is_none()
    }

    /// The same rung with a URL for every segment, all in the folder `folder` (empty, or ending
    /// in `/`).
    pub fn segment_urls(mut self, folder: &str) -> Self {
        use_segment_urls(folder, &mut self.url, &mut self.segments);
        self.init = None;
        self
    }

    /// The pictures that can be shown from the first samples of random access segments alone, if
    /// the extent of every one is known. Each lasts until the next.
    pub(super) fn pictures(&self) -> Option<Vec<SegmentRef>> {
        let mut pictures: Vec<SegmentRef> = Vec::new();
        for segment in &self.segments {
            if let Some(last) = pictures.last_mut().filter(|_| !segment.sap) {
                let ticks = last.duration.ticks.saturating_add(segment.duration.ticks);
                last.duration = MediaTime::new(ticks, last.duration.timescale);
                continue;
            }
            pictures.push(SegmentRef {
                range: Some(ByteRange {
                    start: segment.range.map_or(0, |range| range.start),
                    length: segment.key_frame_end.filter(|_| segment.sap)?,
                }),
                ..segment.clone()
            });
        }
        (!pictures.is_empty()).then_some(pictures)
    }
}
