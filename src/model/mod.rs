//! The generator: profiles as data, the UNet, the latent decoder, the prompt encoder and the
//! differentiable operations they are made of.
//!
//! The only folder that names UNet, attention, decoder and schedule. Knows nothing of ranks,
//! keyframes, files of a title or clocks: composed prompts go in, pictures come out.
//!
//! | file | what it holds |
//! |---|---|
//! | [`profile`] | what sets `mini` and `sd-turbo` apart, as typed data |
//! | [`noise`], [`start`], [`opening`] | NumPy's normal deviates; the start latent's recurrence; what a segment starts from |
//! | [`weights`], [`scope`], [`synthetic`] | safetensors, layers by name, weights without a file |
//! | [`unet`], [`decoder`], [`encoder`], [`generator`] | the networks and their composition |
//! | [`taesd`] | the published files of TAESD and TAEF2 |
//! | [`stable_diffusion`], [`vae`] | published checkpoints, both layouts; the full-size autoencoder |
//! | [`mod@format`] | weights in half precision |
//! | [`picture`] | frames ↔ tensors |
//! | [`device`], [`machine`], [`installed`] | where to compute, in how much memory; where outside weights lie |
//! | [`ops`] | layers with frozen weights and right input gradients |

pub mod decoder;
pub mod device;
pub mod encoder;
mod error;
pub mod format;
pub mod generator;
#[cfg(test)]
pub(crate) mod gradient_check;
pub mod installed;
pub mod machine;
mod mapped;
pub mod noise;
pub mod opening;
pub mod ops;
pub mod picture;
pub mod profile;
mod residual;
pub mod scope;
pub mod stable_diffusion;
pub mod start;
pub mod synthetic;
pub mod taesd;
pub mod unet;
pub mod vae;
pub mod weights;

pub use encoder::Encoder;
pub use error::ModelError;
pub use generator::Generator;
pub use profile::Profile;
pub use vae::Vae;
