//! Why the index of a title does not serve. The caller knows which URL it came from.

use crate::manifest::{ByteRange, ManifestError};
use crate::player::ladder::LadderError;
use crate::segment::SegmentError;

/// An answer that does not list segments, or lists those of another title.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The `sidx` of a rung does not make sense.
    #[error("bytes {}-{}: not a segment index", range.start, range.end().saturating_sub(1))]
    Sidx {
        /// Where it should be.
        range: ByteRange,
        /// The box reader's complaint.
        #[source]
        source: Box<SegmentError>,
    },
    /// A text in UTF-16, as editors save it.
    #[error("begins with a byte order mark of UTF-16: it must be UTF-8 without one")]
    Utf16,
    /// A media playlist that does not make sense.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Rungs that make no ladder.
    #[error("the rungs do not fit together")]
    Ladder(#[from] LadderError),
}
