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
    /// A fetch failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A segment cannot be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A segment, or an init segment, is damaged.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A base layer and the layers above it do not fit together.
    #[error(transparent)]
    Layers(#[from] PackageError),
    /// No generator of any of the title's groups is installed.
    #[error("{url}: cannot be rendered here: {}", reasons.join("; "))]
    NoGenerator {
        url: String,
        reasons: Vec<String>,
        weights_url: Option<String>,
    },
    /// There is no cache folder for fetched weights.
    #[error("fetched weights need a cache folder: set XDG_CACHE_HOME or HOME")]
    NoCacheFolder,
    /// A segment without the init segment of its rung.
    #[error("segment {segment} came without its init segment")]
    NoInit {
        /// Segment number, from 0.
        segment: usize,
    },
    /// A segment is much longer than the manifest says.
    #[error("segment {segment}: holds {frames} frames, the manifest's duration allows {limit}")]
    TooManyFrames {
        /// Segment number, from 0.
        segment: usize,
        frames: u64,
        limit: u64,
    },
}
