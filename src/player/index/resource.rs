//! Resources of a title: a file or a range of one, its purpose, its alternative places, errors.

use crate::manifest::{ByteRange, ManifestError, Presentation, dash};
use crate::player::ladder::LadderError;
use crate::segment::SegmentError;
use std::sync::Arc;

/// An index answer that is invalid, or lists the segments of another title. The caller knows its URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The `sidx` of a rung is invalid.
    #[error("bytes {}-{}: not a segment index", range.start, range.end().saturating_sub(1))]
    Sidx {
        /// Its place.
        range: ByteRange,
        /// The box reader's error.
        #[source]
        source: Box<SegmentError>,
    },
    /// Neither HLS nor DASH.
    #[error("expected an HLS master playlist (#EXTM3U) or a DASH MPD (<MPD>)")]
    NoManifest,
    /// A group that the manifest lacks.
    #[error("there is no group {group}: the manifest has {groups}")]
    NoGroup {
        /// Its number, from 0.
        group: usize,
        /// How many there are.
        groups: usize,
    },
    /// Layers of a manifest that names none.
    #[error(
        "this manifest names no layers (HLS cannot; a title made with --layers names them in its manifest.mpd)"
    )]
    NoLayers,
    /// A text in UTF-16.
    #[error("begins with a byte order mark of UTF-16: it must be UTF-8 without one")]
    Utf16,
    /// An invalid media playlist.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Rungs that make no ladder.
    #[error("the rungs do not fit together")]
    Ladder(#[from] LadderError),
}

/// A file, or a range of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// As the manifest names it: absolute, or relative to the manifest (RFC 3986 §5).
    pub url: String,
    /// The bytes wanted; `None` for the whole file.
    pub range: Option<ByteRange>,
    /// Its purpose.
    pub purpose: Purpose,
}

/// The purpose of a request. Rungs are those of the ladder, or layers where it is in layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// A media segment.
    Media {
        /// Segment number.
        segment: usize,
        /// Rung number.
        rung: usize,
    },
    /// The init segment of this rung.
    Init(usize),
    /// A part of the `sidx` of this rung.
    Index(usize),
    /// The media playlist of this rung.
    Playlist(usize),
}

impl Purpose {
    /// The rung that it serves.
    pub fn rung(self) -> usize {
        match self {
            Self::Media { rung, .. }
            | Self::Init(rung)
            | Self::Index(rung)
            | Self::Playlist(rung) => rung,
        }
    }
}

/// Alternative base URLs of the same files, tried in order (ISO/IEC 23009-1 §5.6.5), and the one in use.
///
/// When a file is not available in one place, all files come from the next; a place that failed is tried
/// again only when all others have failed, too.
#[derive(Debug, Clone)]
pub struct Places {
    url: Arc<str>,
    text: Arc<str>,
    number: usize,
    count: usize,
}

impl Places {
    /// The `count` places, at least one, of the MPD `text` at `url`; the first is in use.
    pub fn new(url: &str, text: &str, count: usize) -> Self {
        Self {
            url: url.into(),
            text: text.into(),
            number: 0,
            count,
        }
    }

    pub(crate) fn others(&self) -> usize {
        self.count - 1
    }

    /// Switches to the next place, and reads the MPD for it.
    pub(crate) fn go_on(&mut self) -> Result<Presentation, ManifestError> {
        self.number = (self.number + 1) % self.count;
        let (presentation, _) = dash::read_place(&self.url, &self.text, self.number)?;
        Ok(presentation)
    }
}
