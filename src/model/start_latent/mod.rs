//! The latent that a segment's first keyframe is generated from: written once, for the encoder's fit
//! and for the player, so that the two cannot drift apart.
//!
//! [`StartMix`] is the recurrence z = (1 − w)·previous + w·noise, [`StartPayload`] what a closed
//! segment transmits about "previous". Knows nothing else of segments; the latents of a chain are the
//! renderer's business.
//!
//! ```
//! use promptus::model::{Generator, StartPayload};
//! use promptus::segment::StartLatent;
//!
//! let generator = Generator::shipped(&candle_core::Device::Cpu)?;
//! let mix = generator.start((64, 32))?;
//! let payload = StartPayload { mode: StartLatent::Noise, bytes: &[] };
//! let latent = payload.latent(&generator, &mix, |_| None)?;
//! assert_eq!(latent.dims(), [1, 16, 4, 8]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
#![doc = include_str!("../../docs/start-latent.md")]

mod mix;
mod payload;
mod sent;

pub use mix::StartMix;
pub use payload::{StartPayload, latent_of};
