//! Input of a job besides its frames: networks and metrics, options of the fit, lengths of segments,
//! frames that are measured.

use super::TranscodeError;
use crate::encode::{FitOptions, Grid, Interval, Perceptual};
use crate::frame::Frame;
use crate::manifest::{Metrics, SourceRecord};
use crate::model::{Encoder, Generator};
use crate::quality::QualityError;
use crate::time::FrameRate;
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
        write!(f, "Tools({})", self.generator.profile().name)
    }
}

/// Everything that decides the bytes of a title, besides the frames and the networks.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Options of the fit, the rungs among them.
    pub fit: FitOptions,
    /// Lengths of segments, in frames.
    pub grid: Grid,
    /// Distance of keyframes.
    pub interval: Interval,
    /// Which frames are measured.
    pub sampling: Sampling,
    /// How the pictures are made of the input, to be published with the title.
    pub source: Option<SourceRecord>,
}

/// Which frames of a segment are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampling {
    /// None: the title has no quality report.
    Nothing,
    /// Every one.
    Everything,
    /// One in so many, the first from the middle of a stride on.
    OneIn(u32),
}

impl Sampling {
    pub(super) fn has(self, number: usize) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::OneIn(stride) => number % stride as usize == stride as usize / 2,
        }
    }
}

/// Inputs from this length on, in seconds, get segments of [`LONG_SEGMENT`] seconds.
const LONG_INPUT: f64 = 600.0;
const LONG_SEGMENT: f64 = 4.0;
const SEGMENT: f64 = 2.0;

/// Lengths of segments for an input of `frames` frames, where known, at `rate`: `seconds`, or 2 s,
/// or 4 s from ten minutes on. A change of scene may end a segment after a second.
///
/// Fails on less than a frame or more than 65,535.
pub fn grid(
    seconds: Option<f64>,
    rate: FrameRate,
    frames: Option<u64>,
) -> Result<Grid, TranscodeError> {
    let long = frames.is_some_and(|frames| frames as f64 / rate.fps() >= LONG_INPUT);
    let usual = if long { LONG_SEGMENT } else { SEGMENT };
    let seconds = seconds.unwrap_or(usual);
    let frames = (seconds * rate.fps()).round();
    if !(1.0..=f64::from(u16::MAX)).contains(&frames) {
        return Err(TranscodeError::Setting(format!(
            "--segment-seconds {seconds} is {frames} frames: expected 1 to 65535"
        )));
    }
    Ok(Grid {
        longest: frames as u32,
        shortest: rate.fps().round() as u32,
    })
}
