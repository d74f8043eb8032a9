//! The generator: profiles as data, the UNet, the latent decoder, the prompt encoder and the
//! differentiable operations they are made of.
//!
//! The only folder that names UNet, attention, decoder and schedule. Knows nothing of ranks,
//! keyframes, files of a title or clocks: composed prompts go in, pictures come out.
//!
//! | file | contents |
//! |---|---|
//! | [`profile`] | the differences between `mini` and `sd-turbo`, as typed data |
//! | [`noise`], [`start_latent`] | NumPy's normal deviates; the latent that a segment starts from |
//! | [`weights`], [`scope`], [`synthetic`] | safetensors, layers by name, weights without a file |
//! | [`unet`], [`decoder`], [`generator`] | the networks and their composition |
//! | [`mod@dtype`] | weights in half precision |
//! | [`picture`] | frames ↔ tensors |
//! | [`device`], [`machine`] | where to compute, in how much memory |
//! | [`ops`] | layers with frozen weights and exact input gradients |
//!
//! With the feature `generator` also: `encoder` (picture → prompt), `taesd` and `stable_diffusion`
//! (published checkpoints), `installed` (where weights lie on this machine). The feature `vae` adds
//! Stable Diffusion's full-size autoencoder.
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use promptus::model::{Generator, picture};
//!
//! // One frame of 64×32 pixels from a prompt of zeros: a token per 16×16 pixels, 32 values each.
//! let generator = Generator::shipped(&Device::Cpu)?;
//! let start = generator.start((64, 32))?.fresh()?;
//! let prompt = Tensor::zeros((1, 8, 32), DType::F32, &Device::Cpu)?;
//! let frames = picture::to_frames(&generator.frames(&prompt, &start)?, (64, 32))?;
//! assert_eq!((frames[0].width(), frames[0].height()), (64, 32));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod decoder;
pub mod device;
pub mod dtype;
#[cfg(feature = "generator")]
pub mod encoder;
mod error;
pub mod generator;
#[cfg(test)]
pub(crate) mod gradient_check;
#[cfg(feature = "generator")]
pub mod installed;
pub mod machine;
#[cfg(feature = "generator")]
mod mapped;
pub mod noise;
pub mod ops;
pub mod picture;
pub mod profile;
pub mod scope;
#[cfg(feature = "generator")]
pub mod stable_diffusion;
pub mod start_latent;
pub mod synthetic;
#[cfg(feature = "generator")]
pub mod taesd;
pub mod unet;
#[cfg_attr(not(feature = "vae"), path = "vae_disabled.rs")]
pub mod vae;
pub mod weights;

#[cfg(feature = "generator")]
pub use encoder::Encoder;
pub use error::ModelError;
pub use generator::Generator;
pub use profile::Profile;
pub use start_latent::{StartMix, StartPayload};
pub use vae::Vae;
