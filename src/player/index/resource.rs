//! Resources of a title: a file or a range of one, and its purpose.

use crate::manifest::ByteRange;

/// Something to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// As the manifest names it: absolute, or relative to the manifest (RFC 3986 §5).
    pub url: String,
    /// The bytes wanted; all of the file without.
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
