//! Cache of encoded videos and their figures, so that a second run is quick. Keys hash everything that
//! decides the content; files are written atomically; the folder may be removed at any time.
//!
//! By default the cache is `promptus/eval` in the user's cache folder (XDG Base Directory
//! Specification: `$XDG_CACHE_HOME`, or `~/.cache`).

use crate::evaluate::EvaluateError;
use crate::segment::hex;
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
    pub(super) fn open(folder: Option<&Path>) -> Result<Self, EvaluateError> {
        let folder = folder.map_or_else(usual, Path::to_path_buf);
        fs::create_dir_all(&folder).map_err(EvaluateError::io(&folder))?;
        Ok(Self { folder })
    }

    /// Path of the video of `key`, whether or not it exists.
    pub(super) fn video(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{}.mp4", name(key)))
    }

    /// An empty folder on the same file system, removed when it is dropped.
    pub(super) fn work_folder(&self) -> Result<TempDir, EvaluateError> {
        tempfile::tempdir_in(&self.folder).map_err(EvaluateError::io(&self.folder))
    }

    /// The value stored under `key`; `None` if it is missing or damaged.
    pub(super) fn load<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let text = fs::read(self.json(key)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Stores `value` under `key`.
    pub(super) fn store<T: Serialize>(&self, key: &str, value: &T) -> Result<(), EvaluateError> {
        let (path, text) = (self.json(key), serde_json::to_vec(value)?);
        let written = NamedTempFile::new_in(&self.folder).and_then(|mut file| {
            file.write_all(&text)?;
            Ok(file.persist(&path)?)
        });
        written.map(drop).map_err(EvaluateError::io(path))
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
    fn stored_values_are_loaded_and_damaged_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(folder.path())).unwrap();
        assert_eq!(cache.load::<Vec<u32>>("a"), None);
        cache.store("a", &vec![1, 2]).unwrap();
        assert_eq!(cache.load("a"), Some(vec![1, 2]));
        std::fs::write(cache.json("a"), "[1,").unwrap();
        assert_eq!(cache.load::<Vec<u32>>("a"), None);
        assert_ne!(cache.video("a"), cache.video("b"));
    }
}
