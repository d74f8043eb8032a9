//! Errors of a measurement.

use crate::model::ModelError;
use crate::prompt::PromptError;
use crate::render::RenderError;
use crate::segment::SegmentError;
use crate::time::TimeError;

/// Why a speed could not be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpeedError {
    /// Installed weights are computed in f32 only.
    #[error("installed weights are computed in f32; other number formats need random weights")]
    Format,
    /// A thread of the measurement panicked.
    #[error("a thread of the measurement panicked")]
    Thread,
    /// A pool of threads could not be built.
    #[error(transparent)]
    Pool(#[from] rayon::ThreadPoolBuildError),
    /// The generator could not be loaded or run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The segment could not be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The invented prompts could not be coded.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The invented segment could not be written or read.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A frame rate is out of range.
    #[error(transparent)]
    Time(#[from] TimeError),
}

impl From<candle_core::Error> for SpeedError {
    fn from(error: candle_core::Error) -> Self {
        Self::Model(error.into())
    }
}
