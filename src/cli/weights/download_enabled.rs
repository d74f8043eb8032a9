//! Weights from the Hugging Face Hub, through its cache, into the models folder.

use super::table::Source;
use crate::cli::CliError;
use crate::model::weights::Checkpoint;
use candle_core::Device;
use hf_hub::api::sync::ApiBuilder;
use hf_hub::{Repo, RepoType};
use std::fs;
use std::path::Path;

/// Fetches the file at its revision, holds its hash to `sha256` where one is published, and puts it
/// at `target`.
pub(super) fn fetch(source: Source, sha256: Option<&str>, target: &Path) -> Result<(), CliError> {
    let repository = Repo::with_revision(
        source.repository.to_owned(),
        RepoType::Model,
        source.revision.to_owned(),
    );
    let api = ApiBuilder::from_env().with_progress(true).build()?;
    let cached = api.repo(repository).get(source.file)?;
    let hash = Checkpoint::read(&cached, &Device::Cpu)?.sha256();
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    if let Some(published) = sha256.filter(|published| *published != hash) {
        return Err(CliError::check(format!(
            "{}: SHA-256 {hash}, published is {published}",
            cached.display()
        )));
    }
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    // The cache holds a link; the file itself serves both where one file system does.
    let file = fs::canonicalize(&cached)?;
    if fs::hard_link(&file, target).is_err() {
        let part = target.with_extension("part");
        fs::copy(&file, &part)?;
        fs::rename(&part, target)?;
    }
    eprintln!("{} (SHA-256 {hash})", target.display());
    Ok(())
}
