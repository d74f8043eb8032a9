//! Downloads from the Hugging Face Hub, through its cache, into a models folder.

use super::{OutsideFile, WeightsError};
use crate::model::weights::Checkpoint;
use crate::segment::hex;
use candle_core::Device;
use hf_hub::api::sync::{ApiBuilder, ApiError};
use hf_hub::{Repo, RepoType};
use std::fs;
use std::io;
use std::path::Path;

/// Fetches `file` at its revision, compares its hash with the published one where there is one, and
/// puts it at `target`. Does nothing for a file without a known repository.
pub fn download(file: &OutsideFile, target: &Path) -> Result<(), WeightsError> {
    let Some(source) = file.repository else {
        return Ok(());
    };
    let hub = |error: ApiError| WeightsError::Hub {
        file: source.file,
        reason: error.to_string(),
    };
    let (name, revision) = (source.name.to_owned(), source.revision.to_owned());
    let repository = Repo::with_revision(name, RepoType::Model, revision);
    let api = ApiBuilder::from_env().with_progress(true).build();
    let api = api.map_err(hub)?;
    let cached = api.repo(repository).get(source.file).map_err(hub)?;
    let found = hex(&Checkpoint::read(&cached, &Device::Cpu)?.sha256());
    match file.sha256 {
        Some(published) if published != found => Err(WeightsError::WrongHash {
            path: cached,
            found,
            published,
        }),
        _ => place(&cached, target).map_err(|source| WeightsError::Io {
            path: target.to_owned(),
            source,
        }),
    }
}

/// Links or copies the file from the hub's cache to `target`.
fn place(cached: &Path, target: &Path) -> io::Result<()> {
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    // The cache holds a symbolic link; a hard link to its file needs no second copy.
    let file = fs::canonicalize(cached)?;
    if fs::hard_link(&file, target).is_err() {
        let part = target.with_extension("part");
        fs::copy(&file, &part)?;
        fs::rename(&part, target)?;
    }
    Ok(())
}
