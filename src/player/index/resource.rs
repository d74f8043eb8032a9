//! Resources of a title: a file or a range of one, and its purpose; and why an answer is refused.

use crate::manifest::{ByteRange, ManifestError};
use crate::player::ladder::LadderError;
use crate::segment::SegmentError;

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
    /// The init segment of a rung.
    Init {
        /// Rung number.
        rung: usize,
    },
    /// A part of the `sidx` of a rung.
    Index {
        /// Rung number.
        rung: usize,
    },
    /// The media playlist of a rung.
    Playlist {
        /// Rung number.
        rung: usize,
    },
}

impl Purpose {
    /// The rung that it serves.
    pub fn rung(self) -> usize {
        match self {
            Self::Media { rung, .. }
            | Self::Init { rung }
            | Self::Index { rung }
            | Self::Playlist { rung } => rung,
        }
    }
}
