//! The index of one rung: its init segment, and the `sidx` or media playlist that lists its segments.
//!
//! A `sidx` lists them in order, so any first part of it gives the places of the first segments; a media
//! playlist is fetched whole; with an MPD template only the init segment is missing.

use super::resource::{IndexError, Purpose, Resource};
use crate::manifest::hls::{Master, Media, Variables};
use crate::manifest::{ByteRange, Representation, SegmentRef};
use crate::segment::sidx::{IndexEntry, SegmentIndex};
use crate::time::{FrameRate, MediaTime, Timescale};
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;

/// A title is short if a rung has no more segments than this: ten minutes of two seconds each.
pub(crate) const SHORT: usize = 300;

#[derive(Debug, Clone)]
pub(super) struct RungIndex {
    /// Its description in the manifest, with the segments known so far.
    pub(super) stream: Representation,
    /// Whether by its playlist segments decode from their own bytes alone.
    pub(super) independent: bool,
    /// Its init segment, once received.
    pub(super) init: Option<Bytes>,
    rest: Rest,
    rate: FrameRate,
}

/// The list of the segments that are not known yet.
#[derive(Debug, Clone)]
enum Rest {
    Nothing,
    Playlist(Playlist),
    /// A `sidx`, and its bytes received so far.
    Index {
        place: ByteRange,
        here: Vec<u8>,
    },
}

/// A media playlist, and the variables that its master playlist defines.
#[derive(Debug, Clone)]
pub struct Playlist {
    /// Relative to the master playlist.
    url: String,
    variables: Arc<Variables>,
}

impl Playlist {
    /// The playlists of `master`, by group and ascending rank.
    pub fn all(master: &Master) -> Vec<Self> {
        let variables = Arc::new(master.variables().clone());
        let playlist = |url: &str| Self {
            url: url.to_owned(),
            variables: Arc::clone(&variables),
        };
        master.media().map(playlist).collect()
    }
}

impl RungIndex {
    /// A rung as in its manifest, and for HLS its playlist.
    pub(super) fn new(
        stream: Representation,
        playlist: Option<&Playlist>,
        rate: FrameRate,
    ) -> Self {
        let rest = match (playlist, stream.index) {
            (Some(playlist), _) => Rest::Playlist(playlist.clone()),
            (None, Some(place)) if stream.segments.is_empty() => Rest::Index {
                place,
                here: Vec::new(),
            },
            _ => Rest::Nothing,
        };
        Self {
            stream,
            independent: false,
            init: None,
            rest,
            rate,
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        matches!(self.rest, Rest::Nothing)
    }

    /// Whether the list of segments is short, as far as that is known.
    pub(super) fn is_short(&self) -> bool {
        match &self.rest {
            Rest::Nothing => self.stream.segments.len() <= SHORT,
            Rest::Playlist(_) => true,
            Rest::Index { place, .. } => place.length <= SegmentIndex::prefix_bytes(SHORT),
        }
    }

    /// The resource to fetch before `segment` can be requested, if any. `rung` is the number of this one.
    pub(super) fn lacks(&self, segment: usize, rung: usize) -> Option<Resource> {
        let (url, range, purpose) = match &self.rest {
            Rest::Playlist(playlist) => (&playlist.url, None, Purpose::Playlist(rung)),
            Rest::Index { place, here } if self.stream.segments.len() <= segment => {
                let part = next_part(*place, here, segment);
                (&self.stream.url, Some(part), Purpose::Index(rung))
            }
            _ if self.init.is_some() => return None,
            _ => (&self.stream.url, self.stream.init, Purpose::Init(rung)),
        };
        let url = url.clone();
        Some(Resource {
            url,
            range,
            purpose,
        })
    }

    /// Index bytes still to fetch before a segment after `segment` can be requested, about.
    pub(super) fn more_bytes(&self, segment: usize, playlist_bytes: u64) -> u64 {
        let init = self.init.as_ref().map_or(self.stream.init, |_| None);
        let init = init.map_or(0, |range| range.length);
        init + match &self.rest {
            Rest::Nothing => 0,
            Rest::Playlist(_) => playlist_bytes,
            Rest::Index { place, here } => next_part(*place, here, segment).length,
        }
    }

    /// Switches to the files of `other`, the same rung in another place.
    pub(super) fn move_to(&mut self, other: &Representation) {
        let stream = &mut self.stream;
        let same = stream.segments.len() == other.segments.len();
        for (number, segment) in stream.segments.iter_mut().enumerate() {
            // Segments that an index listed lie in the rung's one file.
            let url = other.segments.get(number).filter(|_| same);
            let url = url.map_or(&other.url, |there| &there.url);
            segment.url.clone_from(url);
        }
        stream.url.clone_from(&other.url);
    }

    /// Number of leading segments that can be requested.
    pub(super) fn ready(&self) -> usize {
        self.init.as_ref().map_or(0, |_| self.stream.segments.len())
    }

    /// Handles the answer to [`RungIndex::lacks`]; returns the rung's number of segments where it had that.
    pub(super) fn take(
        &mut self,
        purpose: Purpose,
        bytes: Bytes,
    ) -> Result<Option<usize>, IndexError> {
        match purpose {
            Purpose::Playlist { .. } => self.take_playlist(&bytes)?,
            Purpose::Index { .. } => return self.take_index(&bytes),
            Purpose::Init { .. } => self.init = Some(bytes),
            Purpose::Media { .. } => {}
        }
        let listed = matches!(purpose, Purpose::Playlist { .. });
        Ok(listed.then_some(self.stream.segments.len()))
    }

    fn take_playlist(&mut self, bytes: &[u8]) -> Result<(), IndexError> {
        let Rest::Playlist(Playlist { url, variables }) = &self.rest else {
            return Ok(());
        };
        let text = text_of(bytes)?;
        let media = Media::read_within(variables, url, &text, Some(self.rate))?;
        let stream = &mut self.stream;
        (stream.url, stream.init, stream.segments) = (media.url, media.init, media.segments);
        self.independent = media.independent_segments;
        self.rest = Rest::Nothing;
        Ok(())
    }

    fn take_index(&mut self, bytes: &[u8]) -> Result<Option<usize>, IndexError> {
        let Rest::Index { place, here } = &mut self.rest else {
            return Ok(None);
        };
        here.extend_from_slice(bytes);
        let whole = here.len() as u64 >= place.length;
        let read = if whole {
            let all = SegmentIndex::from_bytes(here);
            Some(all.map(|index| (index.entries.len(), index)))
        } else {
            let part = SegmentIndex::from_prefix(here);
            part.map(|part| part.map(|(index, count)| (count, index)))
        };
        let refused = |source| IndexError::Sidx {
            range: *place,
            source: Box::new(source),
        };
        let Some((entries, found)) = read.transpose().map_err(refused)? else {
            return Ok(None);
        };
        let ticks = self.rate.timescale();
        self.stream.segments = segments(&found, *place, &self.stream.url, ticks);
        if whole || self.stream.segments.len() == entries {
            self.rest = Rest::Nothing;
        }
        Ok(Some(entries))
    }
}

/// The segments that `index` lists (ISO/IEC 14496-12 §8.16.3). It lies at `place` of the file `url`; times
/// are converted to `timescale`.
fn segments(
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
    let segment = |entry: &IndexEntry| {
        let (start, from, length) = (scale(ticks), offset, u64::from(entry.size));
        ticks += u64::from(entry.duration);
        offset = offset.saturating_add(length);
        SegmentRef {
            start,
            duration: MediaTime::new(scale(ticks).ticks - start.ticks, timescale),
            url: url.to_owned(),
            range: Some(ByteRange {
                start: from,
                length,
            }),
            key_frame_end: None,
            sap: entry.starts_with_sap,
        }
    };
    index.entries.iter().map(segment).collect()
}

/// The next part of the index at `place` to fetch until `segment` is known: at least as long as that of a
/// short title. All of it, where the first part did not begin with a `sidx`.
fn next_part(place: ByteRange, here: &[u8], segment: usize) -> ByteRange {
    let length = here.len() as u64;
    let strange = length > 0 && SegmentIndex::from_prefix(here).is_none();
    let step = length + SegmentIndex::prefix_bytes(SHORT);
    let end = match strange {
        true => place.length,
        false => step.max(SegmentIndex::prefix_bytes(segment.saturating_add(1))),
    };
    ByteRange {
        start: place.start.saturating_add(length),
        length: end.min(place.length).saturating_sub(length),
    }
}

/// The text of a manifest or playlist.
pub fn text_of(bytes: &[u8]) -> Result<Cow<'_, str>, IndexError> {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err(IndexError::Utf16),
        _ => Ok(String::from_utf8_lossy(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let offsets = [0, 1].map(|segment| found[segment].range.unwrap().start);
        assert_eq!(offsets, [776, 1276]);
        assert_eq!(found[1].start.ticks, 48_000);
        assert_eq!(found[1].duration.ticks, 24_000);
    }
}
