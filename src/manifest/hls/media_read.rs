//! Reads media playlists and I-frame playlists.

use super::{Media, Variables, syntax};
use crate::manifest::clock::whole_frames;
use crate::manifest::error::{MAX_SEGMENTS, MAX_URL, Source};
use crate::manifest::reference::join;
use crate::manifest::{ByteRange, ManifestError, SegmentRef};
use crate::time::{FrameRate, MediaTime, Timescale};
use m3u8_rs::MediaPlaylist;

impl Media {
    /// Reads the text of the playlist at `url`.
    ///
    /// With a `rate`, times are rounded to whole frames and so are exact; without one they are
    /// whole microseconds. Random access points are not marked in a media playlist: all segments
    /// have one where `EXT-X-INDEPENDENT-SEGMENTS` says so, otherwise only the first.
    ///
    /// A playlist that imports variables is refused: see [`Media::read_within`].
    pub fn read(url: &str, text: &str, rate: Option<FrameRate>) -> Result<Self, ManifestError> {
        Self::read_as((url, text), rate, None)
    }

    /// As [`Media::read`], for a playlist named by a multivariant playlist which defines `variables`.
    pub fn read_within(
        variables: &Variables,
        url: &str,
        text: &str,
        rate: Option<FrameRate>,
    ) -> Result<Self, ManifestError> {
        Self::read_as((url, text), rate, Some(variables))
    }

    fn read_as(
        (url, text): (&str, &str),
        rate: Option<FrameRate>,
        imported: Option<&Variables>,
    ) -> Result<Self, ManifestError> {
        let source = Source::new(url, text)?;
        let playlist = syntax::media(&source, imported)?;
        let (init_url, init) = init(&source, &playlist)?;
        let independent = playlist.independent_segments || playlist.i_frames_only;
        let mut segments = segments(&source, &playlist, rate)?;
        for (index, segment) in segments.iter_mut().enumerate() {
            segment.sap = independent || index == 0;
        }
        Ok(Self {
            url: init_url,
            init,
            independent_segments: independent,
            segments,
        })
    }
}

/// A span of at least one tick and at most a day, in whole frames or microseconds.
fn span(seconds: f64, rate: Option<FrameRate>) -> Option<MediaTime> {
    let micros = || MediaTime::new((seconds * 1e6).round() as u64, Timescale::MICROSECONDS);
    let span = match rate {
        Some(rate) => rate.time_of(whole_frames(seconds, rate)?),
        None => micros(),
    };
    (span.ticks > 0 && seconds <= 86_400.0).then_some(span)
}

fn init(
    source: &Source<'_>,
    playlist: &MediaPlaylist,
) -> Result<(String, Option<ByteRange>), ManifestError> {
    let invalid = |line, expected| source.invalid(line, "EXT-X-MAP", expected);
    let segments = playlist.segments.iter().enumerate();
    let mut maps = segments.filter_map(|(at, segment)| Some((at, segment.map.as_ref()?)));
    let Some((0, map)) = maps.next() else {
        return Err(invalid(1, "one before the first segment"));
    };
    if let Some((at, _)) = maps.next() {
        let line = syntax::uri_line(source, at);
        return Err(invalid(line, "one init segment for the whole playlist"));
    }
    let range = map.byte_range.as_ref().map(|range| {
        let range = byte_range(range.offset.unwrap_or(0), range.length);
        range.ok_or_else(|| invalid(1, BYTES))
    });
    Ok((join(source.url, &map.uri), range.transpose()?))
}

fn segments(
    source: &Source<'_>,
    playlist: &MediaPlaylist,
    rate: Option<FrameRate>,
) -> Result<Vec<SegmentRef>, ManifestError> {
    let mut segments: Vec<SegmentRef> = Vec::with_capacity(playlist.segments.len());
    let mut ticks = 0u64;
    for (at, segment) in playlist.segments.iter().enumerate() {
        let line = || syntax::uri_line(source, at);
        let invalid = |place: &str, expected: &str| source.invalid(line(), place, expected);
        let duration = span(f64::from(segment.duration), rate)
            .ok_or_else(|| invalid("EXTINF", "a duration of at least one frame"))?;
        let url = join(source.url, &segment.uri);
        if url.len() > MAX_URL || at >= MAX_SEGMENTS {
            let expected = format!("at most {MAX_SEGMENTS} URLs of at most {MAX_URL} bytes");
            return Err(invalid("segment", &expected));
        }
        let range = segment.byte_range.as_ref().map(|range| {
            let wrong = |expected| invalid("EXT-X-BYTERANGE", expected);
            let start = range.offset.or_else(|| end_of_previous(&segments, &url));
            let start = start.ok_or_else(|| wrong("an offset after @"))?;
            byte_range(start, range.length).ok_or_else(|| wrong(BYTES))
        });
        segments.push(SegmentRef {
            start: MediaTime::new(ticks, duration.timescale),
            duration,
            range: range.transpose()?,
            url,
            key_frame_end: None,
            sap: false,
        });
        ticks = ticks.saturating_add(duration.ticks);
    }
    Ok(segments)
}

const BYTES: &str = "at least one byte below 2^64";

fn byte_range(start: u64, length: u64) -> Option<ByteRange> {
    start.checked_add(length)?;
    (length > 0).then_some(ByteRange { start, length })
}

/// Where a range without an offset starts (RFC 8216 §4.3.2.2).
fn end_of_previous(segments: &[SegmentRef], url: &str) -> Option<u64> {
    let previous = segments.last().filter(|previous| previous.url == url)?;
    previous.range.map(ByteRange::end)
}
