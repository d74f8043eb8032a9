//! The networks and metrics that a job works with.

use crate::encode::Perceptual;
use crate::frame::Frame;
use crate::manifest::Metrics;
use crate::model::{Encoder, Generator};
use crate::quality::QualityError;
use std::fmt;
use std::sync::Arc;

/// Compares a rendered frame (second) with its original (first); metrics that cannot be computed
/// are absent.
pub type Score<'a> = dyn Fn(&Frame, &Frame) -> Result<Metrics, QualityError> + Sync + 'a;

/// Networks and metrics of a job.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Generator that the prompts are for.
    pub generator: &'a Arc<Generator>,
    /// Encoder network that gives the fit its initial prompts, if the profile has one.
    pub encoder: Option<&'a Encoder>,
    /// Perceptual term of the loss.
    pub perceptual: Perceptual<'a>,
    /// Metrics of the quality report.
    pub score: &'a Score<'a>,
}

impl fmt::Debug for Tools<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profile = self.generator.profile().name;
        f.debug_struct("Tools")
            .field("profile", &profile)
            .finish_non_exhaustive()
    }
}
