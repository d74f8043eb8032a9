//! The table of outside weights: use, source, licence and hashes of each file.
//!
//! SD-Turbo's hash is that which its repository publishes for the revision named here; where no
//! published hash is known to us, none is given.

use crate::model::installed::TAESD_DECODER;
use crate::model::stable_diffusion::recognise::Holds;
use crate::quality::lpips;

/// A weights file that does not ship with the crate.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct OutsideFile {
    /// The profile, or the metric, that it is for.
    pub group: &'static str,
    /// Its path below a models folder.
    pub file: &'static str,
    /// Its use.
    pub purpose: &'static str,
    /// Whether the group does nothing without it or another file of the same `part`.
    pub needed: bool,
    /// Files of one part are alternatives.
    pub part: &'static str,
    /// Where it is published.
    pub url: &'static str,
    /// Its licence.
    pub licence: &'static str,
    /// Models that its tensors may be of.
    pub holds: &'static [Holds],
    /// Its SHA-256 as published, where known: any other file is wrong.
    pub sha256: Option<&'static str>,
    /// SHA-256 of other editions that are known to work, each with a description.
    pub editions: &'static [(&'static str, &'static str)],
    /// Repository, revision and name for a download.
    pub repository: Option<Repository>,
}

/// A file of a Hugging Face repository.
#[derive(Debug, Clone, Copy)]
pub struct Repository {
    /// Name of the repository.
    pub name: &'static str,
    /// Commit.
    pub revision: &'static str,
    /// Path of the file in it.
    pub file: &'static str,
}

const STABILITY: &str = "Stability AI Community License: free for research and below US$ 1M revenue a year; \
     https://huggingface.co/stabilityai/sd-turbo/blob/main/LICENSE.md";
const SD_TURBO: &str = "https://huggingface.co/stabilityai/sd-turbo";
const SD_TURBO_REVISION: &str = "b261bac6fd2cf515557d5d0707481eafa0485ec2";
const MIT: &str = "MIT, copyright 2023 Ollin Boer Bohan";
const TAESD: &str = "https://huggingface.co/madebyollin/taesd";
const TAESD_REVISION: &str = "614f76814bbe30edbe2e627ace1c2234c81a2c0e";

/// The values that most of the files have.
const FILE: OutsideFile = OutsideFile {
    group: "sd-turbo",
    file: "",
    purpose: "",
    needed: false,
    part: "",
    url: SD_TURBO,
    licence: STABILITY,
    holds: &[],
    sha256: None,
    editions: &[],
    repository: None,
};

const TAESD_FILE: OutsideFile = OutsideFile {
    url: TAESD,
    licence: MIT,
    holds: &[Holds::TinyAutoencoder],
    ..FILE
};

const fn taesd(file: &'static str) -> Option<Repository> {
    Some(Repository {
        name: "madebyollin/taesd",
        revision: TAESD_REVISION,
        file,
    })
}

/// All files that do not ship with the crate.
pub const FILES: [OutsideFile; 6] = [
    OutsideFile {
        file: "sd-turbo/sd_turbo.safetensors",
        purpose: "UNet and full-size autoencoder in one file (5.2 GB)",
        needed: true,
        part: "unet",
        holds: &[Holds::StableDiffusion2],
        sha256: Some("3f067a1b943cf162f2b8f8588f6cf5824bd5b4c7d1d88d87164b9ca123616549"),
        repository: Some(Repository {
            name: "stabilityai/sd-turbo",
            revision: SD_TURBO_REVISION,
            file: "sd_turbo.safetensors",
        }),
        ..FILE
    },
    OutsideFile {
        file: "sd-turbo/unet/diffusion_pytorch_model.fp16.safetensors",
        purpose: "instead of it: the UNet alone, diffusers layout (with or without .fp16)",
        needed: true,
        part: "unet",
        holds: &[Holds::StableDiffusion2Unet],
        ..FILE
    },
    OutsideFile {
        file: "sd-turbo/vae/diffusion_pytorch_model.fp16.safetensors",
        purpose: "with the UNet alone: --first-frame and --decoder vae (with or without .fp16)",
        part: "vae",
        holds: &[Holds::Autoencoder],
        ..FILE
    },
    OutsideFile {
        file: TAESD_DECODER,
        purpose: "latents to pictures",
        needed: true,
        part: "decoder",
        editions: &[(
            "fe46b6793be4dbd40538bda53503a47f2766f12db43a205c0de360235c163fa9",
            "a copy that went through 8-bit floats",
        )],
        repository: taesd("taesd_decoder.safetensors"),
        ..TAESD_FILE
    },
    OutsideFile {
        file: "taesd/taesd_encoder.safetensors",
        purpose: "pictures to latents, for fits",
        part: "encoder",
        editions: &[(
            "1b66f782a68367fea58d32e2574e1de3ee37a427d72d250bd2aa11ffb28a813a",
            "a copy that went through 8-bit floats",
        )],
        repository: taesd("taesd_encoder.safetensors"),
        ..TAESD_FILE
    },
    OutsideFile {
        group: "lpips",
        file: lpips::WEIGHTS,
        purpose: "perceptual loss of encode, lpips_squeeze of eval: torchvision's squeezenet1_1 \
                  features and the heads of LPIPS 0.1 in one safetensors file",
        part: "lpips",
        url: "https://github.com/richzhang/PerceptualSimilarity",
        licence: "BSD-2-Clause (heads), BSD-3-Clause (features)",
        holds: &[Holds::Lpips],
        editions: &[(
            "70e1773484bc9bdc2f7caf5fc43074f610bd3b9800d808e8e985fac1bfc2fb0d",
            "checked against published values",
        )],
        ..FILE
    },
];
