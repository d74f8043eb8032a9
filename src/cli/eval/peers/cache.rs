//! Encodes and their figures, kept under the hash of everything that decides them, so that a
//! second run is quick: `--cache`, else `promptus/eval` in the user's cache folder (XDG Base
//! Directory Specification: `$XDG_CACHE_HOME`, or `~/.cache`). Files appear whole; the folder may
//! be removed at any time.

use super::super::spool::hex;
use crate::cli::CliError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempDir};

/// The folder.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache in `folder`, or the user's.
    pub(super) fn open(folder: Option<&Path>) -> Result<Self, CliError> {
        let folder = folder.map_or_else(usual, Path::to_path_buf);
        fs::create_dir_all(&folder)
            .map_err(|error| CliError::input(format!("{}: {error}", folder.display())))?;
        Ok(Self { folder })
    }

    /// Where the video that `key` decides is or will be.
    pub(super) fn video(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{}.mp4", name(key)))
    }

    /// An empty folder on the same disk, gone when it is dropped.
    pub(super) fn workshop(&self) -> Result<TempDir, CliError> {
        Ok(tempfile::tempdir_in(&self.folder)?)
    }

    /// What was kept under `key`; nothing if it cannot be read.
    pub(super) fn load<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let text = fs::read(self.json(key)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Keeps `value` under `key`.
    pub(super) fn keep<T: Serialize>(&self, key: &str, value: &T) -> Result<(), CliError> {
        let mut file = NamedTempFile::new_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        file.persist(self.json(key))?;
        Ok(())
    }

    fn json(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{}.json", name(key)))
    }
}

fn name(key: &str) -> String {
    hex(&Sha256::digest(key)[..12])
}

fn usual() -> PathBuf {
    let absolute = |name: &str| {
        let value = std::env::var_os(name).map(PathBuf::from);
        value.filter(|path| path.is_absolute())
    };
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")));
    let cache = cache.unwrap_or_else(std::env::temp_dir);
    cache.join("promptus/eval")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Cache;

    #[test]
    fn what_is_kept_comes_back_and_what_is_damaged_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(folder.path())).unwrap();
        assert_eq!(cache.load::<Vec<u32>>("a"), None);
        cache.keep("a", &vec![1, 2]).unwrap();
        assert_eq!(cache.load(("a", "b").0), Some(vec![1, 2]));
        std::fs::write(cache.json("a"), "[1,").unwrap();
        assert_eq!(cache.load::<Vec<u32>>("a"), None);
        assert_ne!(cache.video("a"), cache.video("b"));
    }
}
