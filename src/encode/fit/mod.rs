//! Gradient descent on the prompts of one segment.
//!
//! | file | step |
//! |---|---|
//! | `initial` | first factors: from the encoder network's prompts, or random |
//! | `fitter` | the passes: code, generate, evaluate, step |
//! | `schedule` | which frames a pass evaluates, and at which rung |
//! | `segment` | targets, start latent and composed prompts of one segment |
//! | `loss` | how wrong a generated picture is |
//! | `prompts` | U and V of all keyframes, and their gradients |
//! | `descent` | the optimiser |
//! | `eigen`, `workers` | eigenvectors; frames in parallel |

mod descent;
mod eigen;
mod fitter;
mod initial;
mod loss;
mod prompts;
mod schedule;
mod segment;
mod workers;

pub use fitter::{Fitted, Fitter, Progress};
pub use loss::Perceptual;
