//! Errors of a transcode: of its input, of the fit, of the measurement, of the place where segments
//! are kept.

use crate::encode::EncodeError;
use crate::frame::FrameSizeError;
use crate::package::PackageError;
use crate::quality::QualityError;
use crate::render::RenderError;
use crate::segment::SegmentError;
use crate::source::SourceError;

/// Why frames cannot become a title.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TranscodeError {
    /// The input is damaged, or its frames have another size than planned.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The input ended before its first frame.
    #[error("the input has no frames")]
    NoFrames,
    /// An option of the fit is out of range, or the generator failed.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A fitted segment cannot be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A rendered frame cannot be compared with its original.
    #[error(transparent)]
    Quality(#[from] QualityError),
    /// A fitted segment cannot be written.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A frame cannot be scaled.
    #[error(transparent)]
    FrameSize(#[from] FrameSizeError),
    /// The poster cannot be encoded.
    #[error(transparent)]
    Poster(#[from] image::ImageError),
    /// The threads of the measurement cannot be started.
    #[error(transparent)]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A finished segment cannot be kept or read back.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A segment rendered to fewer frames than it was fitted to: the first missing one, from 0, and how
    /// many there should be.
    #[error("frame {0} of {1} of a fitted segment was not rendered")]
    MissingFrame(usize, usize),
    /// A segment length out of range, or more memory than the machine has.
    #[error("{0}")]
    Setting(String),
}
