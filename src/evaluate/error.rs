//! Errors of an evaluation. Each names the file, the rung or the setting that it is about.

use crate::frame::FrameSizeError;
use crate::model::ModelError;
use crate::package::PackageError;
use crate::quality::QualityError;
use crate::render::RenderError;
use crate::segment::SegmentError;
use crate::source::SourceError;
use std::io;
use std::path::PathBuf;

/// Why an evaluation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// There is nothing to measure.
    #[error("the title has no rungs")]
    NoRungs,
    /// The original does not match the title in rate, size or length.
    #[error("{reference}: {problem}")]
    Mismatch {
        /// Name of the original.
        reference: String,
        /// Both values.
        problem: String,
    },
    /// The title's record of its source holds a value that is not understood.
    #[error("source.json of the title: {0}")]
    Record(String),
    /// A frame of another size than the frames before it.
    #[error("a frame of {found:?} pixels among frames of {expected:?}")]
    FrameSize {
        /// Width and height of the frame in pixels.
        found: (u32, u32),
        /// Width and height of the others in pixels.
        expected: (u32, u32),
    },
    /// Data of another length than its picture's size needs.
    #[error(transparent)]
    Frame(#[from] FrameSizeError),
    /// A rung shows more frames than its original has.
    #[error("{rung}: segment {segment} has {found} frames, not {expected}")]
    ExtraFrames {
        /// Name of the rung.
        rung: String,
        /// Number of the segment, from 1.
        segment: usize,
        /// Frames that were rendered.
        found: usize,
        /// Frames of the original.
        expected: usize,
    },
    /// A setting of a codec comparison is out of range.
    #[error("{0}")]
    Setting(String),
    /// ffmpeg was built without an encoder.
    #[error("`{version}` has no encoder {encoder}")]
    NoEncoder {
        /// First line of `ffmpeg -version`.
        version: String,
        /// The encoder in ffmpeg's terms, such as `libx265`.
        encoder: &'static str,
    },
    /// Weights that the codec TAESD needs.
    #[error("codec taesd: {0} is not installed")]
    NotInstalled(&'static str),
    /// No setting of a codec led to a video.
    #[error("{codec}: no setting could be encoded")]
    NoSetting {
        /// Name of the codec.
        codec: &'static str,
    },
    /// A coded video has other fragments than groups of pictures were asked for.
    #[error("{encode}: {found} fragments, expected {expected} groups of pictures")]
    Fragments {
        /// The video, as codec, size, rate and target.
        encode: String,
        /// Fragments in the video.
        found: usize,
        /// Groups of pictures that were asked for.
        expected: u64,
    },
    /// ffmpeg failed.
    #[error("ffmpeg: {0}")]
    Ffmpeg(String),
    /// No metric could be computed, so no ladder can be chosen by quality.
    #[error("no metric could be computed to choose a ladder by")]
    NoMetric,
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The reason that the system gives.
        source: io::Error,
    },
    /// A coded video is not well-formed MP4.
    #[error("{}: {source}", path.display())]
    Video {
        /// The video.
        path: PathBuf,
        /// Place and kind of the damage.
        source: SegmentError,
    },
    /// The original could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The title could not be read.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// A rung could not be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// Pictures could not be compared.
    #[error(transparent)]
    Quality(#[from] QualityError),
    /// A generator or an autoencoder could not be loaded or run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A picture could not be coded as JPEG.
    #[error("cannot code a picture as JPEG: {0}")]
    Jpeg(#[from] image::ImageError),
    /// A result could not be written as JSON or read back.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl EvaluateError {
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::Io { path, source }
    }

    /// Whether the inputs were understood and the finding is about them, rather than bad usage or
    /// unreadable input.
    pub fn is_finding(&self) -> bool {
        matches!(
            self,
            Self::FrameSize { .. }
                | Self::ExtraFrames { .. }
                | Self::NoSetting { .. }
                | Self::Fragments { .. }
                | Self::Ffmpeg(_)
                | Self::NoMetric
        )
    }
}

impl From<candle_core::Error> for EvaluateError {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}
