//! Presets: how long a fit runs, what its loss weighs, and how much is measured.

use super::settings::Sampling;
use crate::encode::{FitOptions, Interval, LossWeights};
use crate::prompt::Interpolation;

/// Effort and loss of a fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Preset {
    /// Fast preview: prompts of the encoder network, fixed keyframes, few frames measured.
    Draft,
    /// Squared error, perceptual distance and colour.
    Default,
    /// As default, with three times the passes.
    Best,
    /// Loss weights of the published method: 0.8 squared error, 0.2 perceptual, 0.1 prompt magnitude.
    Reference,
    /// Squared error and colour without a perceptual term: the highest PSNR.
    Mse,
}

/// Keyframe interval of a draft: searching for the best one takes longer than all else in it.
const DRAFT_INTERVAL: Interval = Interval::Frames(10);
/// Keyframe interval where frames between are interpolated prompts: a fade stays close to motion.
const PROMPT_INTERVAL: Interval = Interval::Frames(6);
/// Passes of the best preset, in those of the default.
const BEST: u32 = 3;
/// A draft measures one frame in so many: no multiple of usual keyframe intervals, so that
/// keyframes are measured in proportion.
const DRAFT_STRIDE: u32 = 23;

impl Preset {
    /// Sets passes and loss weights of `options`, which hold the profile's defaults.
    pub fn apply(self, options: &mut FitOptions) {
        options.loss = LossWeights::DEFAULT;
        match self {
            Self::Draft => options.passes = 0,
            Self::Default => {}
            Self::Best => options.passes *= BEST,
            Self::Reference => (options.loss, options.l1_shrink) = (LossWeights::REFERENCE, 0.0),
            Self::Mse => options.loss = LossWeights::MSE,
        }
    }

    /// Which frames are measured.
    pub fn sampling(self) -> Sampling {
        match self {
            Self::Draft => Sampling::OneIn(DRAFT_STRIDE),
            _ => Sampling::Everything,
        }
    }

    /// Keyframe interval, for frames between them that are made by `interpolation`.
    pub fn interval(self, interpolation: Interpolation) -> Interval {
        match interpolation {
            Interpolation::Motion if self == Self::Draft => DRAFT_INTERVAL,
            Interpolation::Motion => Interval::Auto,
            _ => PROMPT_INTERVAL,
        }
    }
}
