//! How close pictures are to their originals.
//!
//! | file | metric |
//! |---|---|
//! | [`psnr()`] | peak signal-to-noise ratio of 8-bit RGB, in dB |
//! | [`ssim()`] | structural similarity of luma |
//! | [`ssimulacra2()`] | SSIMULACRA 2, which is in no loss |
//! | [`lpips`] | LPIPS v0.1 with SqueezeNet, as a number and as a differentiable loss |
//! | [`mean_error`] | tints: signed mean error of each colour |
//! | [`Motion`] | movement and flicker, seams between segments |
//! | [`hull`] | rate–quality curves and their comparison |
//!
//! Knows pictures and tensors, but no prompts, ranks or titles.

mod colour;
mod error;
pub mod hull;
pub mod lpips;
mod motion;
pub mod psnr;
mod ssim;
mod ssimulacra2;

pub use colour::mean_error;
pub use error::QualityError;
pub use lpips::Squeeze;
pub use motion::Motion;
pub use psnr::psnr;
pub use ssim::ssim;
pub use ssimulacra2::ssimulacra2;
