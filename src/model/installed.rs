//! Locations of weights that are not part of the crate (SD-Turbo, TAESD, LPIPS).
//!
//! They are searched in `$PROMPTUS_MODELS`, then in `promptus/models` of the user's data folder
//! (XDG Base Directory Specification: `$XDG_DATA_HOME`, or `~/.local/share`). SD-Turbo's files keep
//! the names under which they are published, below `sd-turbo` (see [`super::stable_diffusion`]).
//! `promptus play --fetch-weights` stores weights in `promptus/weights` of the user's cache folder
//! (`$XDG_CACHE_HOME`, or `~/.cache`), each file named by its SHA-256.

use super::profile::{Conditioning, Profile, VaeForm};
use super::stable_diffusion::recognise::{Holds, explain};
use super::stable_diffusion::{self, StableDiffusion};
use super::weights::Checkpoint;
use super::{Generator, ModelError, Vae, taesd};
use crate::segment::hex;
use candle_core::Device;
use std::env;
use std::path::{Path, PathBuf};

/// The folders that are searched, in order; they need not exist.
pub fn folders() -> Vec<PathBuf> {
    let named = env::var_os("PROMPTUS_MODELS").filter(|value| !value.is_empty());
    let own = home("XDG_DATA_HOME", ".local/share").map(|data| data.join("promptus/models"));
    named.map(PathBuf::from).into_iter().chain(own).collect()
}

/// The folder that the environment variable names, or `below` the home folder.
pub(crate) fn home(variable: &str, below: &str) -> Option<PathBuf> {
    let absolute = |name: &str| {
        let value = env::var_os(name).map(PathBuf::from);
        value.filter(|path| path.is_absolute())
    };
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below)))
}

/// Path of fetched weights with this SHA-256, which may not exist; `None` if the user has no cache
/// folder.
pub fn kept(weights: [u8; 32]) -> Option<PathBuf> {
    let cache = home("XDG_CACHE_HOME", ".cache")?;
    Some(cache.join(format!("promptus/weights/{}.safetensors", hex(&weights))))
}

/// The first file at `relative` (such as `lpips/lpips_squeeze_v0.1.safetensors`) in one of the
/// [`folders`].
pub fn find(relative: impl AsRef<Path>) -> Option<PathBuf> {
    let mut candidates = folders().into_iter().map(|folder| folder.join(&relative));
    candidates.find(|path| path.is_file())
}

/// The folder of SD-Turbo's files.
pub const SD_TURBO: &str = "sd-turbo";

/// The decoder of Stable Diffusion latents.
pub const TAESD_DECODER: &str = "taesd/taesd_decoder.safetensors";

/// Which network turns latents into pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Decoding {
    /// The profile's own decoder, the one that fits use.
    #[default]
    Own,
    /// The full-size autoencoder: slow, with the best quality.
    Vae,
}

impl Generator {
    /// A generator from one safetensors file that holds UNet, decoder and, where the profile has
    /// one, lift.
    ///
    /// Fails if the file cannot be read or holds another network.
    pub fn load(profile: Profile, file: &Path, device: &Device) -> Result<Self, ModelError> {
        let weights = Checkpoint::read(file, device)?;
        Self::new(profile, &weights, weights.sha256())
            .map_err(|error| explain(error, &weights, Holds::Mini, "a generator in one file"))
    }
}

/// The generator of profile `name`, from the crate's own or installed weights. Fails if the profile is
/// unknown or its weights are not installed.
pub fn generator(name: &str, device: &Device) -> Result<Generator, ModelError> {
    generator_for(name, [0; 32], Decoding::Own, device)
}

/// As [`generator`], with the installed or fetched file whose SHA-256 is `weights`, if there is one
/// (zeros: any), and the decoder `decoding`.
pub fn generator_for(
    name: &str,
    weights: [u8; 32],
    decoding: Decoding,
    device: &Device,
) -> Result<Generator, ModelError> {
    let profile = Profile::named(name)?;
    let vae = match (decoding, &profile.vae) {
        (Decoding::Own, _) => None,
        (Decoding::Vae, Some(form)) => Some(form.clone()),
        (Decoding::Vae, None) => {
            let profile = profile.name;
            return Err(ModelError::NoVae { profile });
        }
    };
    match profile.conditioning {
        Conditioning::Spatial { .. } => match kept_file(weights) {
            Some(file) => Generator::load(profile, &file, device),
            None => Generator::shipped(device),
        },
        Conditioning::CrossAttention { .. } => {
            let file = sd_turbo(weights, device)?;
            let decoder = find(TAESD_DECODER).ok_or_else(|| missing(TAESD_DECODER))?;
            let decoder = taesd::decoder(&Checkpoint::read(&decoder, device)?)?;
            let form = profile.unet.clone();
            let hash = file.sha256();
            let generator = Generator::with_decoder(profile, &file.unet(&form), decoder, hash)?;
            match vae {
                Some(form) => Ok(generator.with_vae(Vae::new(&form, &file.vae()?)?)),
                None => Ok(generator),
            }
        }
    }
}

/// SD-Turbo's full-size autoencoder. Fails if it is not installed.
pub fn vae(device: &Device) -> Result<Vae, ModelError> {
    let file = sd_turbo([0; 32], device)?;
    Vae::new(&VaeForm::stable_diffusion(), &file.vae()?)
}

/// SD-Turbo's installed files, best precision first.
pub fn sd_turbo_files() -> Vec<PathBuf> {
    let places = folders().into_iter().map(|folder| folder.join(SD_TURBO));
    places
        .flat_map(|place| stable_diffusion::unet_files(&place))
        .collect()
}

/// The file of fetched weights of this SHA-256, if it is there.
fn kept_file(weights: [u8; 32]) -> Option<PathBuf> {
    kept(weights).filter(|path| path.is_file())
}

/// SD-Turbo with that SHA-256, fetched or installed; otherwise the best installed file.
fn sd_turbo(weights: [u8; 32], device: &Device) -> Result<StableDiffusion, ModelError> {
    if let Some(path) = kept_file(weights) {
        return StableDiffusion::open(&path, device);
    }
    let files = sd_turbo_files();
    let wanted = weights != [0; 32] && files.len() > 1;
    for path in files.iter().filter(|_| wanted) {
        let file = StableDiffusion::open(path, device)?;
        if file.sha256() == weights {
            return Ok(file);
        }
    }
    let path = files.first();
    let path = path.ok_or_else(|| missing("sd-turbo/sd_turbo.safetensors"))?;
    StableDiffusion::open(path, device)
}

fn missing(file: &str) -> ModelError {
    ModelError::NotInstalled {
        file: file.to_owned(),
        folders: folders(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn missing_weights_are_named_and_mini_has_no_full_size_decoder() {
        let load = |name, decoding| generator_for(name, [0; 32], decoding, &Device::Cpu);
        assert!(load("mini", Decoding::Own).is_ok());
        assert!(load("maxi", Decoding::Own).is_err());
        let refused = |name, decoding| load(name, decoding).unwrap_err().to_string();
        let error = refused("mini", Decoding::Vae);
        assert!(error.contains("`mini` has no full-size decoder"), "{error}");
        if sd_turbo_files().is_empty() {
            let error = refused("sd-turbo", Decoding::Own);
            let words = ["sd-turbo/sd_turbo", "models"];
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }
}
