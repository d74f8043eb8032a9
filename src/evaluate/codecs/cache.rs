//! Cache of encoded videos and their figures, so that a second run is quick. Keys hash everything that
//! decides the content; files are written atomically; the folder may be removed at any time.
//!
//! By default the cache is `promptus/eval` in the user's cache folder (XDG Base Directory
//! Specification: `$XDG_CACHE_HOME`, or `~/.cache`).

use crate::evaluate::EvaluateError;
use crate::model::installed;
use crate::segment::hex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The folder.
#[derive(Debug)]
pub(super) struct Cache {
    pub(super) folder: PathBuf,
}

impl Cache {
    /// The cache in `folder`, or the user's.
    pub(super) fn open(folder: Option<&Path>) -> Result<Self, EvaluateError> {
        let usual = || {
            let cache = installed::home("XDG_CACHE_HOME", ".cache");
            cache
                .unwrap_or_else(std::env::temp_dir)
                .join("promptus/eval")
        };
        let folder = folder.map_or_else(usual, Path::to_path_buf);
        fs::create_dir_all(&folder).map_err(EvaluateError::io(&folder))?;
        Ok(Self { folder })
    }

    /// The value stored under `key`; if it is missing or damaged, that of `make`, which is stored.
    pub(super) fn kept<T: DeserializeOwned + Serialize>(
        &self,
        key: &str,
        make: impl FnOnce() -> Result<T, EvaluateError>,
    ) -> Result<T, EvaluateError> {
        let path = self.file(key, "json");
        let stored = fs::read(&path).ok();
        if let Some(value) = stored.and_then(|text| serde_json::from_slice(&text).ok()) {
            return Ok(value);
        }
        let value = make()?;
        let text = serde_json::to_vec(&value)?;
        let written = NamedTempFile::new_in(&self.folder).and_then(|mut file| {
            file.write_all(&text)?;
            Ok(file.persist(&path)?)
        });
        written.map_err(EvaluateError::io(path))?;
        Ok(value)
    }

    /// Path of the file of `key` with this extension, whether or not it exists.
    pub(super) fn file(&self, key: &str, extension: &str) -> PathBuf {
        let name = hex(&Sha256::digest(key)[..12]);
        self.folder.join(format!("{name}.{extension}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Cache;

    #[test]
    fn stored_values_are_loaded_and_damaged_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(folder.path())).unwrap();
        let kept = |made: u32| cache.kept("a", || Ok(vec![made])).unwrap();
        assert_eq!((kept(1), kept(2)), (vec![1], vec![1]));
        std::fs::write(cache.file("a", "json"), "[1,").unwrap();
        assert_eq!(kept(3), [3]);
        assert_ne!(cache.file("a", "mp4"), cache.file("b", "mp4"));
    }
}
