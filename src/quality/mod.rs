//! How close pictures are to their originals.
//!
//! | file | metric |
//! |---|---|
//! | [`psnr()`] | peak signal-to-noise ratio of 8-bit RGB, in dB |
//! | [`lpips`] | LPIPS v0.1 with SqueezeNet, as a number and as a differentiable loss |
//!
//! Knows pictures and tensors, but no prompts, ranks or titles.

mod error;
pub mod lpips;
pub mod psnr;

pub use error::QualityError;
pub use lpips::Squeeze;
pub use psnr::psnr;
