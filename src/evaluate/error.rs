//! Errors of an evaluation. Each names the file, the rung or the setting that it is about.

use crate::frame::FrameSizeError;
use crate::model::ModelError;
use crate::package::PackageError;
use crate::quality::QualityError;
use crate::render::RenderError;
use crate::segment::SegmentError;
use crate::source::SourceError;
use std::io;
use std::path::{Path, PathBuf};

/// Why an evaluation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// An original that is not the title's, a title without rungs, or a setting out of range.
    #[error("{0}")]
    Input(String),
    /// A codec's encoder or weights are not installed.
    #[error("{0}")]
    NotInstalled(String),
    /// The inputs are valid, and an evaluation of them fails: a rung with too many frames or a frame of
    /// another size, a codec or ffmpeg without a result.
    #[error("{0}")]
    Finding(String),
    /// Data of another length than its picture's size needs.
    #[error(transparent)]
    Frame(#[from] FrameSizeError),
    /// A file or folder could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The reason that the system gives.
        source: io::Error,
    },
    /// The original could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The title could not be read, or a coded video is not well-formed MP4.
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

    pub(super) fn damaged(path: &Path) -> impl FnOnce(SegmentError) -> Self {
        let file = path.display().to_string();
        |source| PackageError::Segment { file, source }.into()
    }

    pub(super) fn no_rungs() -> Self {
        Self::Input("the title has no rungs".to_owned())
    }

    /// Whether the arguments were valid and the error is a result about the inputs, damage included.
    pub fn is_finding(&self) -> bool {
        match self {
            Self::Finding(_) => true,
            Self::Source(error) => error.is_damage(),
            _ => false,
        }
    }
}

impl From<candle_core::Error> for EvaluateError {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}
