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
        Self::read_as(url, text, rate, None)
    }

    /// As [`Media::read`], for a playlist that a multivariant playlist names which defines `variables`.
    pub fn read_within(
        variables: &Variables,
        url: &str,
        text: &str,
        rate: Option<FrameRate>,
    ) -> Result<Self, ManifestError> {
        Self::read_as(url, text, rate, Some(variables))
    }

    fn read_as(
        url: &str,
        text: &str,
        rate: Option<FrameRate>,
        imported: Option<&Variables>,
    ) -> Result<Self, ManifestError> {
        let source = Source::new(url, text)?;
        let playlist = syntax::media(&source, imported)?;
        let (init_url, init) = init(&source, &playlist)?;
        let independent = playlist.independent_segments || playlist.i_frames_only;
        let grid = rate.map_or(Grid::Microseconds, Grid::Frames);
        let mut segments = segments(&source, &playlist, grid)?;
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

/// Grid that decimal seconds are rounded to.
#[derive(Clone, Copy)]
enum Grid {
    Frames(FrameRate),
    Microseconds,
}

impl Grid {
    /// A span of at least one tick and at most a day.
    fn span(self, seconds: f64) -> Option<MediaTime> {
        let span = match self {
            Self::Frames(rate) => rate.time_of(whole_frames(seconds, rate)?),
            Self::Microseconds => {
                MediaTime::new((seconds * 1e6).round() as u64, Timescale::MICROSECONDS)
            }
        };
        (span.ticks > 0 && seconds <= 86_400.0).then_some(span)
    }
}

fn init(
    source: &Source<'_>,
    playlist: &MediaPlaylist,
) -> Result<(String, Option<ByteRange>), ManifestError> {
    let mut maps = playlist
        .segments
        .iter()
        .enumerate()
        .filter_map(|(at, segment)| Some((at, segment.map.as_ref()?)));
    let first = maps.next().filter(|(at, _)| *at == 0);
    let (_, map) =
        first.ok_or_else(|| source.invalid(1, "EXT-X-MAP", "one before the first segment"))?;
    if let Some((at, _)) = maps.next() {
        let line = syntax::uri_line(source, at);
        return Err(source.invalid(line, "EXT-X-MAP", "one init segment for the whole playlist"));
    }
    let range = match &map.byte_range {
        Some(range) => byte_range(range.offset.unwrap_or(0), range.length)
            .map(Some)
            .ok_or_else(|| source.invalid(1, "EXT-X-MAP", BYTES))?,
        None => None,
    };
    Ok((join(source.url, &map.uri), range))
}

fn segments(
    source: &Source<'_>,
    playlist: &MediaPlaylist,
    grid: Grid,
) -> Result<Vec<SegmentRef>, ManifestError> {
    let mut segments: Vec<SegmentRef> = Vec::with_capacity(playlist.segments.len());
    let mut ticks = 0u64;
    for (at, segment) in playlist.segments.iter().enumerate() {
        let invalid =
            |place, expected| source.invalid(syntax::uri_line(source, at), place, expected);
        let duration = grid
            .span(f64::from(segment.duration))
            .ok_or_else(|| invalid("EXTINF", "a duration of at least one frame"))?;
        let url = join(source.url, &segment.uri);
        if url.len() > MAX_URL || at >= MAX_SEGMENTS {
            let expected = format!("at most {MAX_SEGMENTS} URLs of at most {MAX_URL} bytes");
            return Err(invalid("segment", &expected));
        }
        let range = match &segment.byte_range {
            Some(range) => {
                let start = range.offset.or_else(|| end_of_previous(&segments, &url));
                let start = start.ok_or_else(|| invalid("EXT-X-BYTERANGE", "an offset after @"))?;
                let range = byte_range(start, range.length);
                Some(range.ok_or_else(|| invalid("EXT-X-BYTERANGE", BYTES))?)
            }
            None => None,
        };
        segments.push(SegmentRef {
            start: MediaTime::new(ticks, duration.timescale),
            duration,
            url,
            range,
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
