//! Errors between a weights file and a frame.

use crate::segment::StartLatent;
use std::io;
use std::path::PathBuf;

/// A generator that cannot be loaded, or inputs that do not fit it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The weights file could not be read.
    #[error("weights file {file}: {source}")]
    Read {
        /// The file as it was named.
        file: String,
        /// Error of the operating system.
        source: io::Error,
    },
    /// Not a safetensors file, or a truncated one.
    #[error("weights file {file}: not a complete safetensors file ({detail})")]
    Malformed {
        /// The file as it was named.
        file: String,
        /// Error of the parser.
        detail: String,
    },
    /// A tensor is missing, or has another shape than in the profile or a format that is not read.
    #[error("weights file {file}: tensor `{tensor}` {fault}")]
    Tensor {
        /// The file as it was named.
        file: String,
        /// The tensor's name.
        tensor: String,
        /// The difference from the expectation.
        fault: String,
    },
    /// The weights of another network.
    #[error("weights file {file} holds {found}, expected {expected}")]
    AnotherModel {
        /// The file as it was named.
        file: String,
        /// The network that the tensors belong to.
        found: &'static str,
        /// The network that was to be loaded.
        expected: &'static str,
    },
    /// Weights that do not ship with the crate and are not on this machine.
    #[error("weights {file} are not installed: looked in {}", shown(folders))]
    NotInstalled {
        /// The file, below one of the folders.
        file: String,
        /// The folders that were searched.
        folders: Vec<PathBuf>,
    },
    /// The profile has no full-size autoencoder.
    #[error("profile `{profile}` has no full-size decoder: only `sd-turbo` has one")]
    NoVae {
        /// The profile.
        profile: &'static str,
    },
    /// No profile of that name is known.
    #[error("unknown generator profile `{0}`: expected `mini` or `sd-turbo`")]
    UnknownProfile(String),
    /// A prompt, latent or picture does not fit the profile.
    #[error("{what} have shape {got:?}, expected {expected}")]
    Input {
        /// Which input.
        what: &'static str,
        /// Its shape.
        got: Vec<usize>,
        /// Shape of the profile.
        expected: String,
    },
    /// A segment's start latent does not fit its mode or the profile.
    #[error("start latent of the segment ({mode:?}): {detail}")]
    StartLatent {
        /// The mode in the init segment.
        mode: StartLatent,
        /// Reason.
        detail: String,
    },
    /// The build lacks an optional network.
    #[error("this build has no full-size decoder: it needs the feature `{0}`")]
    NotBuilt(&'static str),
    /// An operation of the tensor library failed.
    #[error("tensor operation failed")]
    Operation(#[from] candle_core::Error),
}

fn shown(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders.iter().map(|f| f.display().to_string()).collect();
    names.join(", ")
}
