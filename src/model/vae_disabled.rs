//! Stands in for the full-size autoencoder in builds without the feature `vae`: the same interface,
//! but none can be made.

use candle_core::Tensor;

use super::ModelError;
use super::profile::VaeForm;
use super::weights::Source;

/// An autoencoder; this build has none.
#[derive(Debug)]
pub enum Vae {}

impl Vae {
    /// Fails with [`ModelError::NotBuilt`].
    pub fn new(_: &VaeForm, _: &dyn Source) -> Result<Self, ModelError> {
        Err(ModelError::NotBuilt("vae"))
    }

    /// Pictures → latents.
    pub fn encode(&self, _: &Tensor) -> Result<Tensor, ModelError> {
        match *self {}
    }

    /// Latents → pictures.
    pub fn decode(&self, _: &Tensor) -> Result<Tensor, ModelError> {
        match *self {}
    }
}
