//! Image quality: how close pictures are to their originals.
//!
//! | item | metric |
//! |---|---|
//! | [`psnr()`] | peak signal-to-noise ratio of 8-bit RGB, in dB |
//! | [`ssim()`] | structural similarity of luma |
//! | [`ssimulacra2()`] | SSIMULACRA 2, which is in no loss |
//! | [`lpips`] | LPIPS v0.1 with SqueezeNet, as a number and as a differentiable loss |
//! | [`Scorer`] | all of them for one frame, and [`mean()`] over frames |
//! | [`mean_error`] | tint: signed mean error of each colour |
//! | [`Motion`] | movement, flicker, visible segment borders |
//! | [`hull`] | rate–quality curves and their comparison |
//!
//! A new metric is a function of two [`Frame`](crate::frame::Frame)s in a file of its own, a field of
//! [`Score`] and of [`Metrics`](crate::manifest::Metrics), and a line of
//! [`evaluate::FIGURES`](crate::evaluate::FIGURES), from which tables, CSV and charts are made. If ABR
//! rules may use it, it is a [`Utility`](crate::player::utility::Utility), too.
//!
//! ```
//! use promptus::frame::Frame;
//! use promptus::quality::{Scorer, hull::{Better, Hull}};
//!
//! let original = Frame::new(16, 16, vec![100; 16 * 16 * 3])?;
//! let shown = Frame::new(16, 16, vec![104; 16 * 16 * 3])?;
//! let score = Scorer::without_weights().score(&original, &shown)?;
//! assert!((score.psnr - 36.09).abs() < 0.01);
//!
//! let curve = Hull::new([(10.0, 30.0), (20.0, 33.0), (25.0, 31.0)], Better::Higher);
//! assert_eq!(curve.value_at(15.0), Some(31.5));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Knows pictures and tensors, but no prompts, ranks or titles.

mod colour;
mod error;
pub mod hull;
pub mod lpips;
mod motion;
pub mod psnr;
mod score;
mod ssim;
mod ssimulacra2;

pub use colour::mean_error;
pub use error::QualityError;
pub use lpips::Squeeze;
pub use motion::Motion;
pub use psnr::psnr;
pub use score::{Score, Scorer, mean};
pub use ssim::ssim;
pub use ssimulacra2::ssimulacra2;
