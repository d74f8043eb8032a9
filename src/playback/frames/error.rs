//! Why a title cannot be played to frames.

use crate::package::PackageError;
use crate::playback::error::FetchError;
use crate::render::RenderError;
use crate::segment::SegmentError;

/// A title that cannot be opened for rendering, or a session that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "messages name the fields")]
pub enum PlaybackError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error(transparent)]
    Segment(#[from] SegmentError),
    #[error(transparent)]
    Layers(#[from] PackageError),
    #[error("{url}: cannot be rendered here: {}", reasons.join("; "))]
    NoGenerator {
        url: String,
        reasons: Vec<String>,
        weights_url: Option<String>,
    },
    #[error("fetched weights need a cache folder: set XDG_CACHE_HOME or HOME")]
    NoCacheFolder,
    #[error("segment {segment} came without its init segment")]
    NoInit {
        /// Segment number, from 0.
        segment: usize,
    },
    #[error("segment {segment}: holds {frames} frames, the manifest's duration allows {limit}")]
    TooManyFrames {
        /// Segment number, from 0.
        segment: usize,
        frames: u64,
        limit: u64,
    },
}
