//! Profiles of generators as data: shapes, widths, schedule and seeds.
//!
//! `mini` is the small generator shipped with the crate, `sd-turbo` the one-step Stable Diffusion
//! of the reference (its UNet is Stable Diffusion 2.1's, its decoder TAESD). The networks read
//! these values and never compare the name. Knows no tensors and no files.

use super::ModelError;
use crate::prompt::Shape;

/// All parameters of one generator.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Name in manifests and in `prmC`: ASCII, at most 16 characters.
    pub name: &'static str,
    /// Coded pictures have sides that are multiples of this many pixels.
    pub cell: u32,
    /// Most pixels of a picture by default.
    pub usual_pixels: u64,
    /// Pixels along a side of a latent cell.
    pub latent_cell: u32,
    /// Channels of the latent.
    pub latent_channels: usize,
    /// Most pixels of a coded picture; larger ones are refused.
    pub max_pixels: u64,
    /// Peak memory of one pass in bytes per pixel, without attention.
    pub pass_bytes_per_pixel: u64,
    /// Components of a full fit; the scale of a composed prompt is 1/√`full_rank`.
    pub full_rank: usize,
    /// How the prompt enters the network.
    pub conditioning: Conditioning,
    /// Meaning of the network's output.
    pub prediction: Prediction,
    /// Noise of the start latent.
    pub start: StartNoise,
    /// The denoising network.
    pub unet: UNetForm,
    /// Latent to picture.
    pub decoder: DecoderForm,
    /// Picture to prompt, where the profile has such a network.
    pub encoder: Option<EncoderForm>,
    /// The full-size autoencoder of the same latents, where there is one.
    pub vae: Option<VaeForm>,
}

/// Size of a latent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatentShape {
    /// Values of a cell.
    pub channels: usize,
    /// Cells from top to bottom.
    pub rows: usize,
    /// Cells from left to right.
    pub columns: usize,
}

impl LatentShape {
    /// Values of all cells; at most 2^24, as profiles bound the picture.
    pub fn values(self) -> usize {
        self.channels * self.rows * self.columns
    }
}

/// How a prompt of T×D enters the network.
#[derive(Debug, Clone, PartialEq)]
pub enum Conditioning {
    /// A fixed number of tokens that cross-attention reads.
    CrossAttention {
        /// Number of tokens T.
        tokens: usize,
        /// Columns D.
        dim: usize,
    },
    /// One token per cell of the picture, row by row; lifted to a latent and seen by every resnet.
    Spatial {
        /// Pixels along a side of a prompt cell: twice the latent cell.
        cell: u32,
        /// Columns D.
        dim: usize,
    },
}

/// Meaning of the network's output.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Prediction {
    /// The noise ε of a variance-preserving schedule: latent = (z − √(1−ᾱ)·ε) / √ᾱ.
    Epsilon {
        /// ᾱ at the one timestep used, in (0, 1).
        alpha_bar: f64,
    },
    /// The latent itself, as a correction of the lifted prompt.
    Sample,
}

/// The start latent z = (1 − `weight`)·previous + `weight`·noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StartNoise {
    /// Seed of NumPy's `RandomState`.
    pub seed: u32,
    /// Weight of the noise, in [0, 1].
    pub weight: f64,
}

/// A UNet in the diffusers skeleton.
#[derive(Debug, Clone, PartialEq)]
pub struct UNetForm {
    /// Channels in.
    pub inputs: usize,
    /// Channels out.
    pub outputs: usize,
    /// Channels per level, finest first; each level halves the grid.
    pub widths: Vec<usize>,
    /// Resnets per level on the way down; one more on the way up.
    pub layers: usize,
    /// Groups of the group norms; `None`: no norms at all.
    pub norm_groups: Option<usize>,
    /// How a resnet's hidden layer is modulated.
    pub modulation: Modulation,
    /// Transformers after the resnets, if any.
    pub attention: Option<AttentionForm>,
}

/// Modulation of a resnet's hidden layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Modulation {
    /// Scale and shift per pixel, from a prompt map.
    Prompt {
        /// Columns D.
        dim: usize,
    },
    /// Shift per channel, from the embedding of one fixed timestep.
    Time {
        /// The timestep.
        timestep: f64,
        /// Length of the sinusoidal code: half cosines, then half sines.
        code: usize,
        /// Length of the embedding.
        dim: usize,
    },
}

/// Transformer blocks with self-attention, cross-attention and a gated feed-forward layer.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionForm {
    /// Heads per level, finest first; 0: a level without transformers.
    pub heads: Vec<usize>,
    /// Heads in the middle block.
    pub middle_heads: usize,
    /// Columns of the prompt.
    pub context: usize,
}

/// A stage of a convolutional decoder or encoder: `blocks` residual blocks at `channels`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// Channels.
    pub channels: usize,
    /// Residual blocks.
    pub blocks: usize,
}

/// A decoder in the TAESD form: stages of residual blocks, doubling the grid between them.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderForm {
    /// Whether latents are first squashed by 3·tanh(z/3).
    pub squash: bool,
    /// The stages, coarsest first.
    pub stages: Vec<Stage>,
    /// Convolutions in a residual block.
    pub convs: usize,
    /// Whether the convolution after each doubling has a bias.
    pub up_bias: bool,
    /// Side of the final pixel shuffle; 1: none.
    pub shuffle: usize,
    /// Whether a linear map of the latent cell is added to the picture.
    pub linear: bool,
}

/// An encoder in the mirrored form: stages of residual blocks, halving the grid between them.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderForm {
    /// Side of the pixel unshuffle at the start; 1: none.
    pub unshuffle: usize,
    /// The stages, finest first.
    pub stages: Vec<Stage>,
    /// Convolutions in a residual block.
    pub convs: usize,
    /// Whether convolutions that enter a stage have a bias and are followed by a ReLU; for the
    /// very first the bias is always there.
    pub entry_relu: bool,
    /// Channels out.
    pub outputs: usize,
    /// Side in pixels of the cells whose linear map is added to the output; `None`: not added.
    pub linear_cell: Option<usize>,
}

/// Stable Diffusion's full-size autoencoder (`AutoencoderKL`).
#[derive(Debug, Clone, PartialEq)]
pub struct VaeForm {
    /// Channels per level, finest first; each level halves the grid.
    pub widths: Vec<usize>,
    /// Resnets per level of the encoder; one more in the decoder.
    pub layers: usize,
    /// Groups of the group norms.
    pub norm_groups: usize,
    /// Channels of the latent.
    pub latent_channels: usize,
    /// Latents are multiplied by this before they are denoised.
    pub scale: f64,
}

impl Stage {
    /// Stages of (channels, blocks).
    pub fn list<const N: usize>(stages: [(usize, usize); N]) -> Vec<Self> {
        let stage = |(channels, blocks)| Self { channels, blocks };
        stages.map(stage).into()
    }
}

impl UNetForm {
    /// Heads of the transformers of a level, 0 for the finest; 0: none.
    pub fn heads(&self, level: usize) -> usize {
        let heads = self.attention.as_ref().and_then(|a| a.heads.get(level));
        heads.copied().unwrap_or(0)
    }
}

impl Profile {
    /// The profile of that name.
    pub fn named(name: &str) -> Result<Self, ModelError> {
        [Self::mini(), Self::sd_turbo()]
            .into_iter()
            .find(|profile| profile.name == name)
            .ok_or_else(|| ModelError::UnknownProfile(name.to_owned()))
    }

    /// The small generator whose weights ship with the crate: about 1 GFLOP for 256×256 pixels.
    pub fn mini() -> Self {
        let dim = 32;
        let latent_channels = 16;
        Self {
            name: "mini",
            cell: 32,
            usual_pixels: 384 * 256,
            latent_cell: 8,
            latent_channels,
            // 4096×2304: a picture of 3840×2160 in whole cells.
            max_pixels: 4096 * 2304,
            pass_bytes_per_pixel: 128,
            full_rank: 16,
            conditioning: Conditioning::Spatial { cell: 16, dim },
            prediction: Prediction::Sample,
            start: StartNoise::REFERENCE,
            unet: UNetForm {
                inputs: 2 * latent_channels,
                outputs: latent_channels,
                widths: vec![32, 64, 96],
                layers: 1,
                norm_groups: None,
                modulation: Modulation::Prompt { dim },
                attention: None,
            },
            decoder: DecoderForm {
                squash: false,
                stages: Stage::list([(32, 1), (24, 1), (12, 1)]),
                convs: 2,
                up_bias: true,
                shuffle: 2,
                linear: true,
            },
            encoder: Some(EncoderForm {
                unshuffle: 4,
                stages: Stage::list([(32, 0), (64, 1), (96, 2)]),
                convs: 2,
                entry_relu: true,
                outputs: dim,
                linear_cell: Some(16),
            }),
            vae: None,
        }
    }

    /// SD-Turbo with the TAESD decoder, as the reference uses it.
    pub fn sd_turbo() -> Self {
        let dim = 1024;
        Self {
            name: "sd-turbo",
            cell: 64,
            usual_pixels: 512 * 512,
            latent_cell: 8,
            latent_channels: 4,
            max_pixels: 1024 * 1024,
            pass_bytes_per_pixel: 2048,
            full_rank: 8,
            conditioning: Conditioning::CrossAttention { tokens: 77, dim },
            prediction: Prediction::Epsilon {
                alpha_bar: stable_diffusion_alpha_bar(999),
            },
            start: StartNoise::REFERENCE,
            unet: UNetForm {
                inputs: 4,
                outputs: 4,
                widths: vec![320, 640, 1280, 1280],
                layers: 2,
                norm_groups: Some(32),
                modulation: Modulation::Time {
                    timestep: 999.0,
                    code: 320,
                    dim: 1280,
                },
                attention: Some(AttentionForm {
                    heads: vec![5, 10, 20, 0],
                    middle_heads: 20,
                    context: dim,
                }),
            },
            decoder: DecoderForm::taesd(),
            encoder: None,
            vae: Some(VaeForm::stable_diffusion()),
        }
    }

    /// The coded size of a picture: each side rounded up to a whole number of cells.
    pub fn coded_size(&self, (width, height): (u32, u32)) -> (u32, u32) {
        let up = |side: u32| side.div_ceil(self.cell).saturating_mul(self.cell);
        (up(width), up(height))
    }

    /// The latent's shape for a picture of a coded size (width, height).
    pub fn latent_shape(&self, (width, height): (u32, u32)) -> LatentShape {
        LatentShape {
            channels: self.latent_channels,
            rows: (height / self.latent_cell) as usize,
            columns: (width / self.latent_cell) as usize,
        }
    }

    /// Estimated peak memory of one pass in bytes, for a picture of a coded size. Attention adds the
    /// finest level's scores and their softmax, which grow with the square of the pixels.
    pub fn pass_bytes(&self, size: (u32, u32)) -> u64 {
        let LatentShape { rows, columns, .. } = self.latent_shape(size);
        let tokens = (rows * columns) as u64;
        let scores = tokens.saturating_mul(tokens);
        let scores = scores.saturating_mul(self.unet.heads(0) as u64);
        let pixels = u64::from(size.0) * u64::from(size.1);
        let layers = pixels.saturating_mul(self.pass_bytes_per_pixel);
        layers.saturating_add(scores.saturating_mul(2 * 4))
    }

    /// The prompt's shape for a picture of a coded size.
    pub fn prompt_shape(&self, (width, height): (u32, u32)) -> Shape {
        match self.conditioning {
            Conditioning::CrossAttention { tokens, dim } => Shape { tokens, dim },
            Conditioning::Spatial { cell, dim } => Shape {
                tokens: (width / cell) as usize * (height / cell) as usize,
                dim,
            },
        }
    }

    /// Columns of the prompt's token grid; 0 if tokens have no positions.
    pub fn grid_width(&self, (width, _): (u32, u32)) -> u32 {
        match self.conditioning {
            Conditioning::CrossAttention { .. } => 0,
            Conditioning::Spatial { cell, .. } => width / cell,
        }
    }
}

impl DecoderForm {
    /// TAESD's decoder for Stable Diffusion 1 and 2 latents: 1,222,531 values.
    pub fn taesd() -> Self {
        Self {
            squash: true,
            stages: Stage::list([3, 3, 3, 1].map(|blocks| (64, blocks))),
            convs: 3,
            up_bias: false,
            shuffle: 1,
            linear: false,
        }
    }
}

impl EncoderForm {
    /// TAESD's encoder for Stable Diffusion 1 and 2 latents: 1,222,532 values.
    pub fn taesd() -> Self {
        Self {
            unshuffle: 1,
            stages: Stage::list([1, 3, 3, 3].map(|blocks| (64, blocks))),
            convs: 3,
            entry_relu: false,
            outputs: 4,
            linear_cell: None,
        }
    }
}

impl VaeForm {
    /// The autoencoder of Stable Diffusion 1 and 2, and of SD-Turbo.
    pub fn stable_diffusion() -> Self {
        Self {
            widths: vec![128, 256, 512, 512],
            layers: 2,
            norm_groups: 32,
            latent_channels: 4,
            scale: 0.18215,
        }
    }
}

impl StartNoise {
    /// The reference's: seed 88, 0.95 noise and 0.05 of the latent before.
    pub const REFERENCE: Self = Self {
        seed: 88,
        weight: 0.95,
    };
}

/// ᾱ of Stable Diffusion's schedule after `timestep` (0-based) of 1000: β runs from 0.00085 to
/// 0.012, evenly in its square root ("scaled linear").
fn stable_diffusion_alpha_bar(timestep: u32) -> f64 {
    let (first, last) = (0.00085_f64.sqrt(), 0.012_f64.sqrt());
    (0..=timestep)
        .map(|t| first + (last - first) * f64::from(t) / 999.0)
        .map(|root| 1.0 - root * root)
        .product()
}

#[cfg(test)]
mod tests {
    use super::{Prediction, Profile};

    #[test]
    fn last_timestep_has_the_published_sigma() {
        let Prediction::Epsilon { alpha_bar } = Profile::sd_turbo().prediction else {
            unreachable!("sd-turbo predicts noise")
        };
        let sigma = ((1.0 - alpha_bar) / alpha_bar).sqrt();
        assert!((sigma - 14.61464).abs() < 1e-4, "{sigma}");
        assert!((alpha_bar.sqrt() - 0.068265).abs() < 1e-6);
    }

    #[test]
    fn sizes_are_multiples_of_the_cell() {
        let mini = Profile::mini();
        assert_eq!(mini.coded_size((300, 200)), (320, 224));
        assert_eq!(mini.latent_shape((256, 128)).values(), 16 * 16 * 32);
        let shape = mini.prompt_shape((256, 128));
        assert_eq!((shape.tokens, shape.dim), (128, 32));
        assert_eq!(mini.grid_width((256, 128)), 16);
        let bytes = 256 * 128 * mini.pass_bytes_per_pixel;
        assert_eq!(mini.pass_bytes((256, 128)), bytes);
        let sd = Profile::sd_turbo();
        // Five heads of 16,384² scores each, twice, are 10.7 GB.
        assert_eq!(sd.pass_bytes((1024, 1024)) >> 30, 10 + 2);
        assert_eq!(sd.latent_shape((512, 512)).values(), 4 * 64 * 64);
        assert_eq!(sd.prompt_shape((512, 512)).tokens, 77);
    }

    #[test]
    fn unknown_names_are_refused() {
        assert!(Profile::named("mini").is_ok());
        let error = Profile::named("maxi").map_err(|e| e.to_string());
        assert!(error.is_err_and(|e| e.contains("`maxi`")));
    }
}
