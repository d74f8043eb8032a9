//! Where weights lie that do not ship with the crate (SD-Turbo, TAESD, LPIPS).
//!
//! They are looked for in `$PROMPTUS_MODELS`, then in `promptus/models` of the user's data folder
//! (XDG Base Directory Specification: `$XDG_DATA_HOME`, or `~/.local/share`). SD-Turbo's files keep
//! the names under which they are published, below `sd-turbo`.

use super::profile::{Conditioning, Profile};
use super::weights::{Checkpoint, Source};
use super::{Generator, ModelError, taesd};
use candle_core::{Device, Tensor};
use std::env;
use std::path::{Path, PathBuf};

/// The folders that are searched, first one first; they need not exist.
pub fn folders() -> Vec<PathBuf> {
    let absolute = |name: &str| {
        let value = env::var_os(name).map(PathBuf::from);
        value.filter(|path| path.is_absolute())
    };
    let named = env::var_os("PROMPTUS_MODELS").filter(|value| !value.is_empty());
    let data = absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")));
    let own = data.map(|data| data.join("promptus/models"));
    named.map(PathBuf::from).into_iter().chain(own).collect()
}

/// The first file at `relative` (such as `lpips/lpips_squeeze_v0.1.safetensors`) in one of the
/// [`folders`].
pub fn find(relative: impl AsRef<Path>) -> Option<PathBuf> {
    let mut candidates = folders().into_iter().map(|folder| folder.join(&relative));
    candidates.find(|path| path.is_file())
}

/// SD-Turbo's UNet, in f16 or f32.
pub const SD_TURBO: [&str; 2] = [
    "sd-turbo/unet/diffusion_pytorch_model.fp16.safetensors",
    "sd-turbo/unet/diffusion_pytorch_model.safetensors",
];

/// The decoder of Stable Diffusion latents.
pub const TAESD_DECODER: &str = "taesd/taesd_decoder.safetensors";

/// The generator that titles of profile `name` are rendered with: the shipped one, or one made of
/// installed weights. Fails if the profile is unknown or its weights are nowhere.
pub fn generator(name: &str, device: &Device) -> Result<Generator, ModelError> {
    let profile = Profile::named(name)?;
    match profile.conditioning {
        Conditioning::Spatial { .. } => Generator::shipped(device),
        Conditioning::CrossAttention { .. } => {
            let unet = SD_TURBO.iter().find_map(find);
            let unet = Checkpoint::read(&unet.ok_or_else(|| missing(SD_TURBO[0]))?, device)?;
            let decoder = find(TAESD_DECODER).ok_or_else(|| missing(TAESD_DECODER))?;
            let decoder = taesd::decoder(&Checkpoint::read(&decoder, device)?)?;
            let weights = unet.sha256();
            Generator::with_decoder(profile, &UnetFile(unet), decoder, weights)
        }
    }
}

fn missing(file: &str) -> ModelError {
    ModelError::NotInstalled {
        file: file.to_owned(),
        folders: folders(),
    }
}

/// A file that holds nothing but a UNet, so that its names lack our first part.
struct UnetFile(Checkpoint);

impl Source for UnetFile {
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let theirs = name.strip_prefix("unet.").unwrap_or(name);
        self.0.tensor(theirs, shape)
    }

    fn device(&self) -> &Device {
        self.0.device()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_unet_file_answers_to_our_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("unet.safetensors");
        let ones = Tensor::ones(3, candle_core::DType::F32, &Device::Cpu).unwrap();
        ones.save_safetensors("conv_in.bias", &path).unwrap();
        let file = UnetFile(Checkpoint::read(&path, &Device::Cpu).unwrap());
        let read = file.tensor("unet.conv_in.bias", &[3]).unwrap();
        assert_eq!(read.to_vec1::<f32>().unwrap(), [1.0; 3]);
    }

    #[test]
    fn profiles_have_their_generator_or_say_what_is_missing() {
        assert!(generator("mini", &Device::Cpu).is_ok());
        assert!(generator("maxi", &Device::Cpu).is_err());
        if SD_TURBO.iter().find_map(find).is_none() {
            let error = generator("sd-turbo", &Device::Cpu).unwrap_err().to_string();
            assert!(
                error.contains("sd-turbo/unet") && error.contains("models"),
                "{error}"
            );
        }
    }
}
