//! What can go wrong in a fit.

use crate::model::ModelError;
use crate::prompt::PromptError;
use crate::quality::QualityError;

/// A segment that cannot be fitted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// No frames, or frames of unlike size.
    #[error("{0}")]
    Frames(String),
    /// An option outside its range.
    #[error("{what} is {got}, expected {expected}")]
    Option {
        /// Which option.
        what: &'static str,
        /// What was asked for.
        got: String,
        /// What is possible.
        expected: &'static str,
    },
    /// The fit left the range of numbers.
    #[error("the fit of keyframe {keyframe} diverged in pass {pass}")]
    Diverged {
        /// Keyframe of the segment, from 0.
        keyframe: usize,
        /// Pass, from 1.
        pass: u32,
    },
    /// A worker thread could not be started.
    #[error("could not start the worker threads: {0}")]
    Workers(String),
    /// The generator or the encoder network failed.
    #[error("the generator failed")]
    Model(#[from] ModelError),
    /// The perceptual distance could not be computed.
    #[error("the perceptual distance failed")]
    Quality(#[from] QualityError),
    /// A prompt could not be coded.
    #[error("a prompt could not be coded")]
    Prompt(#[from] PromptError),
    /// The tensor library refused an operation.
    #[error("tensor operation failed")]
    Tensor(#[from] candle_core::Error),
}
