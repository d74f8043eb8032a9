//! What is known of one rung, and where the rest of it is to be had: its init segment, and what lists
//! its segments.
//!
//! A `sidx` lists them in order, so any first part of it tells where the first segments lie; a media
//! playlist comes whole. An MPD with a template leaves nothing open but the init segment.

use super::cmcd::Kind;
use super::coding::text_of;
use super::error::FetchError;
use super::index;
use super::limits::span;
use super::resolve::resolve;
use crate::manifest::hls::{Master, Media, Variables};
use crate::manifest::{ByteRange, Representation};
use crate::segment::sidx::SegmentIndex;
use crate::time::{FrameRate, Timescale};
use bytes::Bytes;
use reqwest::Url;
use std::sync::Arc;

/// A title is short if a rung has no more segments than this: ten minutes of two seconds each.
pub(super) const SHORT: usize = 300;

/// One rung or layer.
#[derive(Debug, Clone)]
pub(super) struct Listing {
    /// What the manifest says of it; its segments are those that are known, from the first on.
    pub(super) stream: Representation,
    /// Its init segment, once it is here.
    pub(super) init: Option<Bytes>,
    rest: Rest,
    rate: FrameRate,
}

/// What lists the segments that are not known yet.
#[derive(Debug, Clone)]
enum Rest {
    Nothing,
    Playlist(Playlist),
    /// A `sidx`, of which so much is here.
    Index {
        place: ByteRange,
        here: Vec<u8>,
    },
}

/// A media playlist, and what its master playlist defines for it.
#[derive(Debug, Clone)]
pub(super) struct Playlist {
    /// Relative to the master playlist.
    url: String,
    variables: Arc<Variables>,
}

impl Playlist {
    /// Those that `master` names, by group and ascending rank.
    pub(super) fn all(master: &Master) -> Vec<Self> {
        let variables = Arc::new(master.variables().clone());
        let playlist = |url: &str| Self {
            url: url.to_owned(),
            variables: Arc::clone(&variables),
        };
        master.media().map(playlist).collect()
    }
}

/// Something to fetch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ask {
    pub(super) url: Url,
    pub(super) range: Option<ByteRange>,
    pub(super) kind: Kind,
}

/// What a listing learnt from an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct News {
    /// Segments that the rung has, where that was not known before.
    pub(super) count: Option<usize>,
    /// Whether its playlist says that segments decode from their own bytes alone.
    pub(super) independent: bool,
}

impl Listing {
    /// A rung as its manifest has it; `playlist` is where HLS lists its segments.
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
            init: None,
            rest,
            rate,
        }
    }

    /// Whether all segments are known.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.rest, Rest::Nothing)
    }

    /// Whether what lists the segments is short, as far as it is known.
    pub(super) fn is_short(&self) -> bool {
        match &self.rest {
            Rest::Nothing => self.stream.segments.len() <= SHORT,
            Rest::Playlist(_) => true,
            Rest::Index { place, .. } => place.length <= SegmentIndex::prefix_bytes(SHORT),
        }
    }

    /// What must come next before `segment` can be asked for; `None` if nothing.
    pub(super) fn lacks(&self, manifest: &Url, segment: usize) -> Result<Option<Ask>, FetchError> {
        if let Some(ask) = self.lacks_segment(manifest, segment)? {
            return Ok(Some(ask));
        }
        let init = || {
            Ok(Ask {
                url: resolve(manifest, &self.stream.url)?,
                range: self.stream.init,
                kind: Kind::Init,
            })
        };
        self.init.is_none().then(init).transpose()
    }

    fn lacks_segment(&self, manifest: &Url, segment: usize) -> Result<Option<Ask>, FetchError> {
        let ask = |reference: &str, range, kind| {
            let url = resolve(manifest, reference)?;
            Ok(Some(Ask { url, range, kind }))
        };
        match &self.rest {
            Rest::Nothing => Ok(None),
            Rest::Playlist(playlist) => ask(&playlist.url, None, Kind::Playlist),
            Rest::Index { .. } if self.stream.segments.len() > segment => Ok(None),
            Rest::Index { place, here } => {
                let part = next_part(*place, here, segment);
                ask(&self.stream.url, Some(part), Kind::Index)
            }
        }
    }

    /// About how many bytes must come before a segment after `segment` can be asked for, where a
    /// playlist takes `playlist_bytes`.
    pub(super) fn more_bytes(&self, segment: usize, playlist_bytes: u64) -> u64 {
        let init = self.init.as_ref().map_or(self.stream.init, |_| None);
        let init = init.map_or(0, |range| range.length);
        init + match &self.rest {
            Rest::Nothing => 0,
            Rest::Playlist(_) => playlist_bytes,
            Rest::Index { place, here } => next_part(*place, here, segment).length,
        }
    }

    /// Goes over to where `other`, which is the same rung in another place, has its files.
    pub(super) fn move_to(&mut self, other: &Representation) {
        let stream = &mut self.stream;
        let same = stream.segments.len() == other.segments.len();
        for (number, segment) in stream.segments.iter_mut().enumerate() {
            // Segments that an index listed lie in the rung's one file.
            let url = other.segments.get(number).filter(|_| same);
            segment
                .url
                .clone_from(url.map_or(&other.url, |there| &there.url));
        }
        stream.url.clone_from(&other.url);
    }

    /// Segments that can be asked for, from the first on.
    pub(super) fn ready(&self) -> usize {
        self.init.as_ref().map_or(0, |_| self.stream.segments.len())
    }

    /// Takes in the answer to what [`Listing::lacks`] wanted.
    pub(super) fn take(&mut self, ask: &Ask, bytes: Vec<u8>) -> Result<News, FetchError> {
        let mut news = News {
            count: None,
            independent: false,
        };
        match ask.kind {
            Kind::Playlist => {
                news.independent = self.take_playlist(ask, &bytes)?;
                news.count = Some(self.stream.segments.len());
            }
            Kind::Index => news.count = self.take_index(ask, &bytes)?,
            _ => self.init = Some(bytes.into()),
        }
        Ok(news)
    }

    fn take_playlist(&mut self, ask: &Ask, bytes: &[u8]) -> Result<bool, FetchError> {
        let Rest::Playlist(playlist) = &self.rest else {
            return Ok(false);
        };
        let Playlist { url, variables } = playlist;
        let text = text_of(&ask.url, bytes)?;
        let media = Media::read_within(variables, url, &text, Some(self.rate))?;
        let stream = &mut self.stream;
        (stream.url, stream.init, stream.segments) = (media.url, media.init, media.segments);
        self.rest = Rest::Nothing;
        Ok(media.independent_segments)
    }

    fn take_index(&mut self, ask: &Ask, bytes: &[u8]) -> Result<Option<usize>, FetchError> {
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
        let Some(read) = read else {
            return Ok(None);
        };
        let (entries, found) = read.map_err(|source| FetchError::Index {
            url: ask.url.to_string(),
            range: span(*place),
            source: Box::new(source),
        })?;
        let ticks: Timescale = self.rate.timescale();
        self.stream.segments = index::segments(&found, *place, &self.stream.url, ticks);
        if whole || self.stream.segments.len() == entries {
            self.rest = Rest::Nothing;
        }
        Ok(Some(entries))
    }
}

/// The next part of the index at `place` to fetch, that `segment` be known: not less than a short title
/// has. All of it, where the first part did not begin with a `sidx`.
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
