//! Prompt fitting: the frames of one segment in, its coded keyframes for every rung out.
//!
//! One nested fit serves the whole ladder: components are ordered, every evaluation is at one rung,
//! and a rung is a prefix of the same bytes. A segment is fitted on its own, with the quantiser, the
//! interpolation and the start latent that the player will use, so its bytes depend on its frames,
//! its number and the options alone. Knows nothing of containers, files or progress bars. The method
//! is that of "Promptus" (AAAI-26), started from the prompts of an encoder network.
//!
//! [`Spans`] cuts a stream of frames into segments, [`Interval`] places their keyframes, [`Fitter`]
//! fits one segment.
//!
//! ```
//! use promptus::encode::{FitOptions, Fitter, Perceptual};
//! use promptus::frame::Frame;
//! use promptus::model::{Encoder, Generator};
//!
//! let device = candle_core::Device::Cpu;
//! let (generator, encoder) = (Generator::shipped(&device)?, Encoder::shipped(&device)?);
//! let options = FitOptions { ranks: vec![2, 4], passes: 0, ..FitOptions::default() };
//! let fitter = Fitter::new(&generator, Some(&encoder), Perceptual::Features(&encoder), options)?;
//! let frames = vec![Frame::new(64, 32, vec![90; 64 * 32 * 3])?; 2];
//! // Keyframes at both ends of segment 0; no callback for progress.
//! let fitted = fitter.fit(&frames, &[0, 1], 0, &mut |_| ())?;
//! assert_eq!(fitted.keyframes[0].layers.len(), 4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
#![doc = include_str!("../docs/fit.md")]

mod error;
mod fit;
mod keyframe_plan;
mod options;
mod segmenter;

pub use error::EncodeError;
pub use fit::{Fitted, Fitter, Perceptual, Progress};
pub use keyframe_plan::Interval;
pub use options::{Basis, FitOptions, LossWeights};
pub use segmenter::{Grid, Span, Spans};
