//! A generator's weights: fetched once, verified, kept in a folder.
//!
//! They may be larger than memory, so they come in parts, each tried again by itself, and go straight
//! into a file beside their place. Only what has the SHA-256 that the manifest names is moved there.

use super::cmcd::{Content, Kind};
use super::error::FetchError;
use super::http::{Client, Purpose};
use crate::manifest::ByteRange;
use reqwest::Url;
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// Bytes of a part.
const PART: u64 = 8 << 20;

/// The largest file of weights that is taken, bytes.
const LARGEST: u64 = 16 << 30;

impl Client {
    /// Fetches the weights at `url` and keeps them at `place`, whose folder is made if it is missing.
    /// Returns how many bytes they have.
    ///
    /// Fails, and leaves nothing behind, if they do not have the SHA-256 `sha256` (64 lower-case hex
    /// digits), or if the file system fails.
    pub async fn fetch_weights(
        &self,
        url: &Url,
        sha256: &str,
        place: &Path,
    ) -> Result<u64, FetchError> {
        let content = Content::of(url);
        let purpose = Purpose::of(&content, Kind::Weights);
        let size = self.size(url, &purpose).await?;
        if size > LARGEST {
            let url = url.to_string();
            let limit = LARGEST;
            return Err(FetchError::TooLong { url, limit });
        }
        let kept = |source: io::Error| FetchError::Kept {
            path: place.to_owned(),
            source,
        };
        let mut file = beside(place).map_err(kept)?;
        let mut digest = Sha256::new();
        for start in (0..size).step_by(PART as usize) {
            let length = PART.min(size - start);
            let range = Some(ByteRange { start, length });
            let part = self.get(url, range, &purpose).await?;
            digest.update(&part.bytes);
            file.write_all(&part.bytes).map_err(kept)?;
        }
        let found = hex(&digest.finalize());
        if found != sha256 {
            return Err(FetchError::Weights {
                url: url.to_string(),
                expected: sha256.to_owned(),
                found,
            });
        }
        file.as_file().sync_all().map_err(kept)?;
        let persisted = file.persist(place);
        persisted.map_err(|error| kept(error.error))?;
        Ok(size)
    }
}

/// A file that is gone again unless it is moved to `place`.
fn beside(place: &Path) -> io::Result<NamedTempFile> {
    let folder = place.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    NamedTempFile::new_in(folder)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
