//! Identifies the model of a weights file by a few characteristic tensors.
//!
//! SD-Turbo and other descendants of Stable Diffusion 2 have the same tensors; only their hashes differ
//! (`promptus weights`).

use crate::model::ModelError;
use crate::model::weights::Checkpoint;

/// Content of a weights file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holds {
    /// A single-file checkpoint of Stable Diffusion 2's structure, SD-Turbo's included.
    StableDiffusion2,
    /// A UNet of that structure in diffusers' names.
    StableDiffusion2Unet,
    /// Stable Diffusion 1, whole or its UNet.
    StableDiffusion1,
    /// Stable Diffusion XL (also SDXL-Turbo), whole or its UNet.
    StableDiffusionXl,
    /// A UNet for in-painting or with another condition in its input.
    MoreInputs,
    /// A transformer in a UNet's place: Stable Diffusion 3, FLUX, PixArt and kin.
    DiffusionTransformer,
    /// Stable Diffusion's full-size autoencoder in diffusers' names.
    Autoencoder,
    /// A text encoder.
    TextEncoder,
    /// A low-rank adaptation of some model.
    Adapter,
    /// The shipped generator of profile `mini`.
    Mini,
    /// The shipped encoder network of `mini`.
    MiniEncoder,
    /// TAESD or another tiny autoencoder of its form.
    TinyAutoencoder,
    /// LPIPS.
    Lpips,
    /// None of these.
    Unknown,
}

impl Holds {
    /// Description for messages.
    pub fn describe(self) -> &'static str {
        match self {
            Self::StableDiffusion2 => "a checkpoint of Stable Diffusion 2's structure",
            Self::StableDiffusion2Unet => "a UNet of Stable Diffusion 2's structure",
            Self::StableDiffusion1 => "Stable Diffusion 1",
            Self::StableDiffusionXl => "Stable Diffusion XL",
            Self::MoreInputs => "a UNet with more inputs (in-painting, depth or edits)",
            Self::DiffusionTransformer => {
                "a diffusion transformer (Stable Diffusion 3, FLUX or kin)"
            }
            Self::Autoencoder => "Stable Diffusion's autoencoder",
            Self::TextEncoder => "a text encoder",
            Self::Adapter => "a low-rank adapter",
            Self::Mini => "the generator of profile `mini`",
            Self::MiniEncoder => "the encoder network of profile `mini`",
            Self::TinyAutoencoder => "a tiny autoencoder (TAESD or kin)",
            Self::Lpips => "LPIPS",
            Self::Unknown => "an unknown network",
        }
    }

    /// The error of loading such a file as `expected`.
    pub(in crate::model) fn instead_of(
        self,
        file: &Checkpoint,
        expected: &'static str,
    ) -> ModelError {
        ModelError::AnotherModel {
            file: file.file().to_owned(),
            found: self.describe(),
            expected,
        }
    }
}

/// Replaces `error`, a missing tensor or wrong shape, by the plainer one that `file` holds another model
/// than `expected`, if it does. `own` is the expected content.
pub(in crate::model) fn explain(
    error: ModelError,
    file: &Checkpoint,
    own: Holds,
    expected: &'static str,
) -> ModelError {
    if !matches!(error, ModelError::Missing { .. } | ModelError::Shape { .. }) {
        return error;
    }
    match holds(file) {
        Holds::Unknown => error,
        found if found == own => error,
        found => found.instead_of(file, expected),
    }
}

/// Columns of a prompt in Stable Diffusion 1.
const PROMPT_SD1: usize = 768;
/// Columns of a prompt in Stable Diffusion XL.
const PROMPT_SDXL: usize = 2048;
/// Channels into a plain UNet.
const PLAIN_INPUTS: usize = 4;

/// The model of `file`.
pub fn holds(file: &Checkpoint) -> Holds {
    let names = file.names();
    let any = |part: &str| names.iter().any(|name| name.contains(part));
    let has = |name: &str| file.shape(name).is_some();
    if any("lora_") || any(".lora") {
        Holds::Adapter
    } else if has("model.diffusion_model.input_blocks.0.0.weight") {
        unet(
            file,
            &names,
            "model.diffusion_model.input_blocks.0.0.weight",
            true,
        )
    } else if any("joint_blocks.")
        || any("double_blocks.")
        || any("transformer_blocks.0.norm1.linear")
    {
        Holds::DiffusionTransformer
    } else if has("conv_in.weight") && any("down_blocks.") {
        unet(file, &names, "conv_in.weight", false)
    } else if has("encoder.conv_norm_out.weight") && has("decoder.conv_norm_out.weight") {
        Holds::Autoencoder
    } else if any("text_model.encoder.layers.") {
        Holds::TextEncoder
    } else if has("lift.weight") && has("unet.conv_in.weight") {
        Holds::Mini
    } else if has("encoder.linear.weight") {
        Holds::MiniEncoder
    } else if any(".conv.4.weight") {
        Holds::TinyAutoencoder
    } else if any(".expand1x1.") {
        Holds::Lpips
    } else {
        Holds::Unknown
    }
}

fn unet(file: &Checkpoint, names: &[String], first: &str, whole: bool) -> Holds {
    let prompt = names
        .iter()
        .filter(|name| name.ends_with("attn2.to_k.weight"))
        .find_map(|name| file.shape(name)?.get(1).copied());
    let label = names
        .iter()
        .any(|name| name.contains("label_emb.") || name.starts_with("add_embedding."));
    let inputs = file.shape(first).and_then(|shape| shape.get(1)).copied();
    match (prompt, whole) {
        _ if label => Holds::StableDiffusionXl,
        (Some(PROMPT_SDXL), _) => Holds::StableDiffusionXl,
        (Some(PROMPT_SD1), _) => Holds::StableDiffusion1,
        _ if inputs != Some(PLAIN_INPUTS) => Holds::MoreInputs,
        (None, _) => Holds::Unknown,
        (_, true) => Holds::StableDiffusion2,
        (_, false) => Holds::StableDiffusion2Unet,
    }
}
