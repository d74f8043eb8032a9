//! Errors of a fit.

use crate::model::ModelError;
use crate::prompt::PromptError;
use crate::quality::QualityError;

/// A segment that cannot be fitted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// No frames, frames of different size, keyframe positions that do not span them, or an option
    /// outside its range.
    #[error("{0}")]
    Input(String),
    /// The fit of this keyframe of the segment (from 0) produced numbers that are not finite in this
    /// pass (from 1).
    #[error("the fit of keyframe {0} diverged in pass {1}")]
    Diverged(usize, u32),
    /// A worker thread could not be started.
    #[error("could not start the worker threads")]
    Workers(#[from] rayon::ThreadPoolBuildError),
    /// The generator or the encoder network failed.
    #[error("the generator failed")]
    Model(#[from] ModelError),
    /// The perceptual distance could not be computed.
    #[error("the perceptual distance failed")]
    Quality(#[from] QualityError),
    /// A prompt could not be coded.
    #[error("a prompt could not be coded")]
    Prompt(#[from] PromptError),
    /// An operation of the tensor library failed.
    #[error("tensor operation failed")]
    Tensor(#[from] candle_core::Error),
}
