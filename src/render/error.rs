//! Why a segment could not be rendered.

use crate::flow::SizesDiffer;
use crate::model::ModelError;
use crate::prompt::PromptError;
use crate::segment::SegmentError;

/// A segment that cannot be rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "messages name the fields")]
pub enum RenderError {
    #[error("the title is of profile `{track}`, the generator of profile `{generator}`")]
    Profile {
        track: String,
        generator: &'static str,
    },
    #[error(
        "the title was fitted with the weights of SHA-256 {track}, the generator has {generator}"
    )]
    Weights { track: String, generator: String },
    #[error(
        "a coded picture of {}x{} has more pixels than profile `{profile}` generates, at most {limit}",
        size.0, size.1
    )]
    TooManyPixels {
        size: (u32, u32),
        profile: &'static str,
        limit: u64,
    },
    #[error(
        "one frame takes about {:.1} GB of memory, {:.1} GB are free",
        *needed as f64 / 1e9, *available as f64 / 1e9
    )]
    Memory { needed: u64, available: u64 },
    #[error(
        "profile `{profile}` does not generate a coded picture of {}x{} from prompts of {tokens}x{dim}",
        size.0, size.1
    )]
    CodedSize {
        size: (u32, u32),
        tokens: usize,
        dim: usize,
        profile: &'static str,
    },
    #[error("the start latent has {got} bytes, expected {expected} (f32 values)")]
    LatentSize { got: usize, expected: usize },
    #[error("segment {sequence} continues the one before it: render from the start of the chain")]
    BrokenChain {
        /// Its sequence number, from 1.
        sequence: u32,
    },
    #[error("the segment holds no keyframe for this frame")]
    NoPicture,
    #[error(transparent)]
    Sink(Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Segment(#[from] SegmentError),
    #[error(transparent)]
    Prompt(#[from] PromptError),
    #[error(transparent)]
    Motion(#[from] SizesDiffer),
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl RenderError {
    /// Wraps the error of a receiver of frames.
    pub fn sink(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Sink(Box::new(cause))
    }
}
