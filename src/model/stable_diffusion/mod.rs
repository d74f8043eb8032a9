//! Stable Diffusion checkpoints as they are published: one file with the original names, or a
//! folder in the diffusers layout.
//!
//! | on disk | holds |
//! |---|---|
//! | `sd_turbo.safetensors` | everything, names `model.diffusion_model.…`, `first_stage_model.…` |
//! | `unet/diffusion_pytorch_model*.safetensors` | the UNet, diffusers' names |
//! | `vae/diffusion_pytorch_model*.safetensors` | the autoencoder, diffusers' names |
//!
//! The networks use diffusers' names; [`names`] has the original ones. Both layouts give the
//! same network, bit for bit. [`recognise`] identifies files of other models.

#![doc = include_str!("../../docs/sd_turbo.md")]

pub mod names;
pub mod recognise;

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::Device;

use self::recognise::Holds;
use super::ModelError;
use super::profile::{Profile, UNetForm};
use super::weights::{Checkpoint, Derived, Source};

/// The single-file checkpoint, as published.
pub const SINGLE_FILE: &str = "sd_turbo.safetensors";

/// Stem of diffusers' file names.
const DIFFUSERS_STEM: &str = "diffusion_pytorch_model";

/// Expected content, for error messages.
const EXPECTED: &str = "SD-Turbo (the structure of Stable Diffusion 2.1)";

/// A checkpoint's files, opened.
pub struct StableDiffusion {
    unet: Checkpoint,
    original: bool,
    /// The autoencoder's file if it is not the same.
    vae: Option<PathBuf>,
}

impl StableDiffusion {
    /// Opens `path`: a single-file checkpoint, a file that holds a UNet in diffusers' names, or a
    /// folder with one of the two.
    ///
    /// Fails if there is none or if it is of another model.
    pub fn open(path: &Path, device: &Device) -> Result<Self, ModelError> {
        let file = unet_files(path).into_iter().next();
        let unet = Checkpoint::read(file.as_deref().unwrap_or(path), device)?;
        let original = match recognise::holds(&unet) {
            Holds::StableDiffusion2 => true,
            Holds::StableDiffusion2Unet => false,
            found => return Err(found.instead_of(&unet, EXPECTED)),
        };
        let folder = file.as_deref().unwrap_or(path).parent();
        let folder = folder.and_then(Path::parent).map(|f| f.join("vae"));
        let vae = folder.and_then(|folder| network_files(&folder).into_iter().next());
        Ok(Self {
            unet,
            original,
            vae,
        })
    }

    /// SHA-256 of the file that holds the UNet.
    pub fn sha256(&self) -> [u8; 32] {
        self.unet.sha256()
    }

    /// The UNet of that form in diffusers' names, below `unet`.
    pub fn unet<'a>(&'a self, form: &'a UNetForm) -> impl Source + 'a {
        Derived::new(self.unet.device(), move |name, shape| {
            let name = name.strip_prefix("unet.").unwrap_or(name);
            let theirs = match self.original {
                true => names::original_unet(form, name),
                false => None,
            };
            self.unet.tensor(theirs.as_deref().unwrap_or(name), shape)
        })
    }

    /// The autoencoder, in diffusers' names.
    ///
    /// Fails if the file of a diffusers folder is missing or holds another model.
    pub fn vae(&self) -> Result<impl Source + '_, ModelError> {
        let own = match self.original {
            true => None,
            false => Some(self.vae_file()?),
        };
        let levels = Profile::sd_turbo().vae.map_or(0, |form| form.widths.len());
        Ok(Derived::new(self.unet.device(), move |name, shape| {
            let (file, theirs) = match &own {
                None => (&self.unet, names::original_vae(levels, name)),
                Some(file) => (file, names::old_vae_attention(name)),
            };
            let theirs = theirs
                .filter(|theirs| file.shape(theirs).is_some() || file.shape(name).is_none())
                .unwrap_or_else(|| name.to_owned());
            // Older files store attention's projections as 1×1 convolutions.
            match (file.shape(&theirs), shape) {
                (Some(&[o, i, 1, 1]), &[rows, columns]) if (o, i) == (rows, columns) => {
                    Ok(file.tensor(&theirs, &[o, i, 1, 1])?.reshape(shape)?)
                }
                _ => file.tensor(&theirs, shape),
            }
        }))
    }

    /// The autoencoder's own file in a diffusers folder.
    fn vae_file(&self) -> Result<Checkpoint, ModelError> {
        let path = self.vae.as_ref().ok_or_else(|| ModelError::Tensor {
            file: self.unet.file().to_owned(),
            tensor: "vae/diffusion_pytorch_model.safetensors: encoder.conv_in.weight".to_owned(),
            fault: "is missing".to_owned(),
        })?;
        let file = Checkpoint::read(path, self.unet.device())?;
        match recognise::holds(&file) {
            Holds::Autoencoder => Ok(file),
            found => Err(found.instead_of(&file, "Stable Diffusion's autoencoder")),
        }
    }
}

/// The files below `path` that may hold SD-Turbo's UNet, the best first; `path` itself if it is a
/// file.
pub fn unet_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let single = Some(path.join(SINGLE_FILE)).filter(|file| file.is_file());
    let diffusers = network_files(&path.join("unet"));
    single.into_iter().chain(diffusers).collect()
}

/// `diffusion_pytorch_model*.safetensors` in a folder: full precision first, then by name.
fn network_files(folder: &Path) -> Vec<PathBuf> {
    let listing = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = listing
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|n| n.starts_with(DIFFUSERS_STEM) && n.ends_with(".safetensors"))
        })
        .collect();
    files.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    files
}
