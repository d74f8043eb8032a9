//! Stable Diffusion's full-size autoencoder (candle-transformers' `AutoEncoderKL`) over our sources
//! of weights.
//!
//! It encodes the original first frame into the start latent of a chain, as the reference does, and
//! decodes at full quality where TAESD is fast. Fits do not use it.
//!
//! The reference samples its first latent from the encoder's distribution; here it is the mean, so
//! that the same picture gives the same title.

use std::sync::Mutex;

use candle_core::{DType, Device, Error, Shape, Tensor};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use candle_transformers::models::stable_diffusion::vae::{AutoEncoderKL, AutoEncoderKLConfig};

use super::ModelError;
use super::profile::VaeForm;
use super::weights::Source;

/// Colour channels of a picture.
const COLOURS: usize = 3;

/// Logarithm of a variance whose square root is 0 in `f32`.
const NO_VARIANCE: f32 = -1000.0;

/// An autoencoder with frozen weights.
#[derive(Debug)]
pub struct Vae {
    network: AutoEncoderKL,
    cell: usize,
    scale: f64,
}

impl Vae {
    /// Takes the layers of `form` from `source`, which answers to diffusers' names.
    pub fn new(form: &VaeForm, source: &dyn Source) -> Result<Self, ModelError> {
        let config = AutoEncoderKLConfig {
            block_out_channels: form.widths.clone(),
            layers_per_block: form.layers,
            latent_channels: form.latent_channels,
            norm_num_groups: form.norm_groups,
            use_quant_conv: true,
            use_post_quant_conv: true,
        };
        let failed = Mutex::new(None);
        let backend = Backend {
            source,
            latent_channels: form.latent_channels,
            failed: &failed,
        };
        let device = source.device().clone();
        let layers = VarBuilder::from_backend(Box::new(backend), DType::F32, device);
        let network = AutoEncoderKL::new(layers, COLOURS, COLOURS, config);
        match (network, failed.into_inner()) {
            (Ok(network), _) => Ok(Self {
                network,
                cell: 1 << form.widths.len().saturating_sub(1),
                scale: form.scale,
            }),
            (Err(_), Ok(Some(error))) => Err(error),
            (Err(error), _) => Err(error.into()),
        }
    }

    /// Pictures (B, 3, H, W) in 0..1, with sides of whole latent cells → scaled latents.
    pub fn encode(&self, pictures: &Tensor) -> Result<Tensor, ModelError> {
        let (_, colours, height, width) = pictures.dims4()?;
        let cell = self.cell;
        let whole = |side: usize| side > 0 && side.is_multiple_of(cell);
        if colours != COLOURS || !whole(height) || !whole(width) {
            return Err(ModelError::Input {
                what: "pictures for the autoencoder",
                got: pictures.dims().to_vec(),
                expected: format!("(B, 3, H, W) with sides that are multiples of {cell}"),
            });
        }
        let signed = pictures.affine(2.0, -1.0)?;
        // The weights set the variance to 0, so that a sample is the mean.
        let mean = self.network.encode(&signed)?.sample()?;
        Ok((mean * self.scale)?)
    }

    /// Scaled latents (B, C, Hl, Wl) → pictures (B, 3, H, W), nominally in 0..1 and not clamped.
    pub fn decode(&self, latent: &Tensor) -> Result<Tensor, ModelError> {
        let signed = self.network.decode(&(latent / self.scale)?)?;
        Ok(signed.affine(0.5, 0.5)?)
    }
}

/// A [`Source`] as candle's `SimpleBackend`.
struct Backend<'a> {
    source: &'a dyn Source,
    latent_channels: usize,
    /// Our own error, which names file and tensor; candle's would not.
    failed: &'a Mutex<Option<ModelError>>,
}

impl SimpleBackend for Backend<'_> {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: Init,
        _: DType,
        _: &Device,
    ) -> candle_core::Result<Tensor> {
        match self.source.tensor(name, shape.dims()) {
            Ok(tensor) if name.starts_with("quant_conv.") => self.without_variance(&tensor),
            Ok(tensor) => Ok(tensor),
            Err(error) => {
                let shown = Error::Msg(error.to_string());
                if let Ok(mut failed) = self.failed.lock() {
                    failed.get_or_insert(error);
                }
                Err(shown)
            }
        }
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        Err(Error::Msg(format!("{name}: requested without a shape")))
    }

    fn contains_tensor(&self, _: &str) -> bool {
        true
    }
}

impl Backend<'_> {
    /// The encoder's last layer gives mean and logarithm of the variance: its second half becomes
    /// a constant.
    fn without_variance(&self, tensor: &Tensor) -> candle_core::Result<Tensor> {
        let mean = tensor.narrow(0, 0, self.latent_channels)?;
        let variance = match tensor.rank() {
            1 => (mean.zeros_like()? + f64::from(NO_VARIANCE))?,
            _ => mean.zeros_like()?,
        };
        Tensor::cat(&[&mean, &variance], 0)
    }
}
