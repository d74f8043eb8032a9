//! Prompt fitting: the frames of one segment in, its coded keyframes for every rung out.
//!
//! One nested fit serves the whole ladder: components are ordered, every visit looks at one rung,
//! and a rung is the first components of the same bytes. A segment is fitted on its own, with the
//! quantiser, the interpolation and the start latent that the player will use, so it depends on
//! nothing but its frames, its number and the options. Knows nothing of containers, files or
//! progress bars. The method is that of "Promptus" (AAAI-26) with an encoder network's prompts as
//! the start.
//!
#![doc = include_str!("../docs/fit.md")]

mod adam;
mod cut;
mod descent;
mod eigen;
mod error;
mod fit;
mod interval;
mod loss;
mod options;
mod prompts;
mod schedule;
mod segment;
mod start;
mod warm;
mod workers;

pub use cut::{Grid, Span, Spans};
pub use error::InvertError;
pub use fit::{Fitted, Fitter, Progress};
pub use interval::Interval;
pub use loss::Perceptual;
pub use options::{Basis, FitOptions, LossWeights, StartOptions};
