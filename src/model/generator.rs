//! The generator: composed prompts and a start latent in, pictures out. One code path for every
//! profile.
//!
//! ```text
//! prompt P ─┬─ (spatial) lift ─┐
//!           │   start latent z ┴─ UNet ─ latent ─ decoder ─ picture
//!           └────── conditioning ────┘
//! ```
//! Differentiable with respect to the prompts. Knows nothing of ranks, keyframes or segments.

use candle_core::{DType, Device, Tensor};

use super::ModelError;
use super::decoder::Decoder;
use super::dtype::in_format;
use super::ops::{Conv2d, add_constant, cat_constant, pixel_shuffle};
use super::profile::{Conditioning, Prediction, Profile};
use super::scope::Scope;
use super::start_latent::StartMix;
use super::unet::UNet;
use super::vae::Vae;
use super::weights::{Checkpoint, Source};

/// Side of the pixel shuffle that brings a prompt cell to latent cells.
const LIFT: usize = 2;

/// The weights of `mini`.
const SHIPPED: &[u8] = include_bytes!("../../static/mini/generator.safetensors");

/// A one-step generator with frozen weights.
#[derive(Debug)]
pub struct Generator {
    profile: Profile,
    weights: [u8; 32],
    lift: Option<Conv2d>,
    unet: UNet,
    decoder: Decoder,
    vae: Option<Vae>,
    device: Device,
}

impl Generator {
    /// The `mini` generator, whose weights are part of the crate.
    pub fn shipped(device: &Device) -> Result<Self, ModelError> {
        Self::shipped_in(DType::F32, device)
    }

    /// The weights file of `mini` (safetensors).
    pub fn shipped_file() -> &'static [u8] {
        SHIPPED
    }

    /// As [`Self::shipped`], with `dtype` for weights and hidden layers.
    pub fn shipped_in(dtype: DType, device: &Device) -> Result<Self, ModelError> {
        let name = "generator.safetensors";
        let weights = Checkpoint::from_bytes(name, SHIPPED, device)?;
        let source = in_format(&weights, dtype);
        Self::new(Profile::mini(), &source, weights.sha256())
    }

    /// A generator whose layers come from `source`; `weights` is the SHA-256 to report.
    pub fn new(
        profile: Profile,
        source: &dyn Source,
        weights: [u8; 32],
    ) -> Result<Self, ModelError> {
        let scope = Scope::root(source).sub("decoder");
        let decoder = Decoder::new(&profile.decoder, profile.latent_channels, &scope)?;
        Self::with_decoder(profile, source, decoder, weights)
    }

    /// As [`Self::new`], with a decoder from another file (TAESD with a Stable Diffusion UNet).
    pub fn with_decoder(
        profile: Profile,
        source: &dyn Source,
        decoder: Decoder,
        weights: [u8; 32],
    ) -> Result<Self, ModelError> {
        let root = Scope::root(source);
        let lift = match profile.conditioning {
            Conditioning::Spatial { dim, .. } => {
                let outputs = LIFT * LIFT * profile.latent_channels;
                Some(root.sub("lift").conv3(dim, outputs)?)
            }
            Conditioning::CrossAttention { .. } => None,
        };
        let unet = UNet::new(&profile.unet, &root.sub("unet"))?;
        Ok(Self {
            weights,
            lift,
            unet,
            decoder,
            vae: None,
            device: source.device().clone(),
            profile,
        })
    }

    /// The same generator with the full-size decoder: slower and better than the tiny one. Not
    /// differentiable, so not for fits.
    pub fn with_vae(mut self, vae: Vae) -> Self {
        self.vae = Some(vae);
        self
    }

    /// The profile.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// SHA-256 of the weights file.
    pub fn weights_hash(&self) -> [u8; 32] {
        self.weights
    }

    /// The device of weights and results.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The profile's start noise for pictures of a coded size.
    pub fn start(&self, coded: (u32, u32)) -> Result<StartMix, ModelError> {
        let noise = self.profile.start;
        let shape = self.profile.latent_shape(coded);
        StartMix::new(noise.seed, noise.weight, shape, &self.device)
    }

    /// Composed prompts (B, T, D) and a start latent (1 or B, C, Hl, Wl) → latents (B, C, Hl, Wl).
    pub fn latent(&self, prompts: &Tensor, start: &Tensor) -> Result<Tensor, ModelError> {
        let (batch, ..) = prompts.dims3()?;
        let (_, channels, rows, columns) = start.dims4()?;
        self.check(prompts, start)?;
        let start = start.broadcast_as((batch, channels, rows, columns))?;
        let (start, dtype) = (start.contiguous()?, self.unet.dtype());
        let (prompts, noise) = (prompts.to_dtype(dtype)?, start.to_dtype(dtype)?);
        let Some(lift) = &self.lift else {
            let output = self.unet.forward(&noise, &prompts)?;
            return self.predicted(&start, None, &output);
        };
        let map = as_map(&prompts, rows, columns)?;
        let lifted = pixel_shuffle(&lift.forward(&map)?, LIFT)?;
        let output = self.unet.forward(&cat_constant(&noise, &lifted)?, &map)?;
        self.predicted(&start, Some(&lifted), &output)
    }

    /// Latents → pictures (B, 3, H, W), nominally in 0..1 and not clamped.
    pub fn decode(&self, latent: &Tensor) -> Result<Tensor, ModelError> {
        match &self.vae {
            Some(vae) => vae.decode(latent),
            None => {
                let latent = latent.to_dtype(self.decoder.dtype())?;
                Ok(self.decoder.forward(&latent)?.to_dtype(DType::F32)?)
            }
        }
    }

    /// Composed prompts (B, T, D) and a start latent → pictures (B, 3, H, W), not clamped.
    pub fn frames(&self, prompts: &Tensor, start: &Tensor) -> Result<Tensor, ModelError> {
        self.decode(&self.latent(prompts, start)?)
    }

    /// The latent from the network's output, in `f32`.
    fn predicted(
        &self,
        start: &Tensor,
        lifted: Option<&Tensor>,
        output: &Tensor,
    ) -> Result<Tensor, ModelError> {
        let output = output.to_dtype(DType::F32)?;
        match (self.profile.prediction, lifted) {
            (Prediction::Sample, Some(lifted)) => Ok((output + lifted.to_dtype(DType::F32)?)?),
            (Prediction::Sample, None) => Ok(output),
            (Prediction::Epsilon { alpha_bar }, _) => {
                let noise = (output * (1.0 - alpha_bar).sqrt())?;
                Ok((add_constant(&noise.neg()?, start)? / alpha_bar.sqrt())?)
            }
        }
    }

    fn check(&self, prompts: &Tensor, start: &Tensor) -> Result<(), ModelError> {
        let profile = &self.profile;
        let (batch, channels, rows, columns) = start.dims4()?;
        let finest = profile.cell / profile.latent_cell;
        let whole = |side: usize| side > 0 && side.is_multiple_of(finest as usize);
        let batches = batch == 1 || batch == prompts.dim(0)?;
        if channels != profile.latent_channels || !whole(rows) || !whole(columns) || !batches {
            let channels = profile.latent_channels;
            return Err(ModelError::Input {
                what: "start latents",
                got: start.dims().to_vec(),
                expected: format!(
                    "(1, {channels}, rows, columns) with sides that are multiples of {finest}"
                ),
            });
        }
        let pixels = |side: usize| side as u32 * profile.latent_cell;
        let shape = profile.prompt_shape((pixels(columns), pixels(rows)));
        let (_, tokens, dim) = prompts.dims3()?;
        if (tokens, dim) != (shape.tokens, shape.dim) {
            return Err(ModelError::Input {
                what: "composed prompts",
                got: prompts.dims().to_vec(),
                expected: format!("(B, {}, {})", shape.tokens, shape.dim),
            });
        }
        Ok(())
    }
}

/// Tokens (B, T, D), row by row → a map (B, D, h, w) for latents of `rows` × `columns`.
fn as_map(prompts: &Tensor, rows: usize, columns: usize) -> Result<Tensor, ModelError> {
    let (batch, _, dim) = prompts.dims3()?;
    let map = prompts.transpose(1, 2)?.contiguous()?;
    Ok(map.reshape((batch, dim, rows / LIFT, columns / LIFT))?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Generator;
    use crate::model::Profile;
    use crate::model::gradient_check::{check, normal};
    use crate::model::synthetic::{RandomWeights, narrow_sd_turbo};
    use candle_core::{Device, Error, Tensor};

    fn random(profile: Profile) -> Generator {
        Generator::new(profile, &RandomWeights::new(9, &Device::Cpu), [0; 32]).unwrap()
    }

    /// Frames from factors: U (T, r), V (r, D) and the scale 1/√R.
    fn render(
        generator: &Generator,
        u: &Tensor,
        v: &Tensor,
        start: &Tensor,
    ) -> candle_core::Result<Tensor> {
        let scale = 1.0 / (generator.profile().full_rank as f64).sqrt();
        let prompt = (u.matmul(v)? * scale)?.unsqueeze(0)?;
        generator.frames(&prompt, start).map_err(Error::wrap)
    }

    #[test]
    fn gradients_of_both_factors_agree_with_differences() {
        for (profile, size, step) in [
            (narrow_sd_turbo(), (32, 16), 1e-3),
            (Profile::mini(), (64, 32), 2e-4),
        ] {
            let generator = random(profile);
            let shape = generator.profile().prompt_shape(size);
            let start = generator.start(size).unwrap().fresh().unwrap();
            let u = normal(1, &[shape.tokens, 3]);
            let v = normal(2, &[3, shape.dim]);
            check(&u, step, |u| render(&generator, u, &v, &start));
            check(&v, step, |v| render(&generator, &u, v, &start));
        }
    }

    #[test]
    fn inputs_of_another_size_are_refused() {
        let generator = Generator::shipped(&Device::Cpu).unwrap();
        let start = generator.start((64, 32)).unwrap().fresh().unwrap();
        let odd = normal(1, &[1, 16, 3, 4]);
        for (tokens, start, expected) in [
            (
                7,
                start,
                "composed prompts have shape [1, 7, 32], expected (B, 8, 32)",
            ),
            (
                8,
                odd,
                "start latents have shape [1, 16, 3, 4], expected (1, 16, rows",
            ),
        ] {
            let error = generator.frames(&normal(1, &[1, tokens, 32]), &start);
            let error = error.unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
