//! Identifies the model of a weights file by a few characteristic tensors.
//!
//! SD-Turbo and other descendants of Stable Diffusion 2 have the same tensors; only their hashes differ
//! (`promptus weights`).

use crate::model::ModelError;
use crate::model::weights::Checkpoint;

/// An enum of networks, each with its description for messages.
macro_rules! holds {
    ($($variant:ident $description:literal,)*) => {
        /// Content of a weights file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Holds {
            $(#[doc = $description] $variant,)*
        }

        impl Holds {
            /// Description for messages.
            pub fn describe(self) -> &'static str {
                match self {
                    $(Self::$variant => $description,)*
                }
            }
        }
    };
}

holds! {
    // SD-Turbo's included.
    StableDiffusion2 "a checkpoint of Stable Diffusion 2's structure",
    StableDiffusion2Unet "a UNet of Stable Diffusion 2's structure",
    StableDiffusion1 "Stable Diffusion 1",
    // Also SDXL-Turbo.
    StableDiffusionXl "Stable Diffusion XL",
    MoreInputs "a UNet with more inputs (in-painting, depth or edits)",
    DiffusionTransformer "a diffusion transformer (Stable Diffusion 3, FLUX or kin)",
    Autoencoder "Stable Diffusion's autoencoder",
    TextEncoder "a text encoder",
    Adapter "a low-rank adapter",
    Mini "the generator of profile `mini`",
    MiniEncoder "the encoder network of profile `mini`",
    TinyAutoencoder "a tiny autoencoder (TAESD or kin)",
    Lpips "LPIPS",
    Unknown "an unknown network",
}

impl Holds {
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

/// Replaces `error`, a missing or different tensor, by the plainer one that `file` holds another model
/// than `expected`, if it does. `own` is the expected content.
pub(in crate::model) fn explain(
    error: ModelError,
    file: &Checkpoint,
    own: Holds,
    expected: &'static str,
) -> ModelError {
    if !matches!(error, ModelError::Tensor { .. }) {
        return error;
    }
    match holds(file) {
        found if found == own || found == Holds::Unknown => error,
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
    let transformers = ["joint_blocks.", "double_blocks."].map(any).contains(&true);
    let first = "model.diffusion_model.input_blocks.0.0.weight";
    if any("lora_") || any(".lora") {
        Holds::Adapter
    } else if has(first) {
        unet(file, &names, first, true)
    } else if transformers || any("transformer_blocks.0.norm1.linear") {
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
        (prompt, _) if label || prompt == Some(PROMPT_SDXL) => Holds::StableDiffusionXl,
        (Some(PROMPT_SD1), _) => Holds::StableDiffusion1,
        _ if inputs != Some(PLAIN_INPUTS) => Holds::MoreInputs,
        (None, _) => Holds::Unknown,
        (_, true) => Holds::StableDiffusion2,
        (_, false) => Holds::StableDiffusion2Unet,
    }
}
