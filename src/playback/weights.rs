//! Weights of a generator: fetched once, verified, kept in a folder.
//!
//! They may be larger than memory, so they are fetched in parts with retries, and written to a temporary
//! file beside the destination. Only a file with the SHA-256 of the manifest is renamed.

use super::cmcd::Fetch;
use super::error::{AnswerProblem, FetchError};
use super::http::Client;
use super::resolve::parse;
use crate::manifest::ByteRange;
use crate::player::cmcd::{Content, Kind};
use crate::segment::hex;
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::path::Path;
use tempfile::NamedTempFile;

const PART: u64 = 8 << 20;

const LARGEST: u64 = 16 << 30;

impl Client {
    /// Fetches the weights at `url` into the file `place`, whose folder is created if it is missing.
    /// Returns their length in bytes.
    ///
    /// Fails, and leaves no file behind, if their SHA-256 is not `sha256` (64 lower-case hex digits), or
    /// if the file system fails.
    pub async fn fetch_weights(
        &self,
        url: &str,
        sha256: &str,
        place: &Path,
    ) -> Result<u64, FetchError> {
        let url = &parse(url)?;
        let content = Content::of(url.path());
        let fetch = Fetch::of(url, None, &content, Kind::Weights);
        let size = self.size(&fetch).await?;
        if size > LARGEST {
            return Err(AnswerProblem::TooLong(LARGEST).at(url));
        }
        let kept = |source: io::Error| FetchError::Kept {
            path: place.to_owned(),
            source,
        };
        let folder = place.parent().unwrap_or(Path::new("."));
        let created = std::fs::create_dir_all(folder);
        let file = created.and_then(|()| NamedTempFile::new_in(folder));
        let mut file = file.map_err(kept)?;
        let mut digest = Sha256::new();
        for start in (0..size).step_by(PART as usize) {
            let length = PART.min(size - start);
            let range = Some(ByteRange { start, length });
            let part = self.get(&Fetch { range, ..fetch }).await?;
            digest.update(&part.bytes);
            file.write_all(&part.bytes).map_err(kept)?;
        }
        let found = hex(&digest.finalize());
        if found != sha256 {
            let expected = sha256.to_owned();
            return Err(AnswerProblem::Weights { expected, found }.at(url));
        }
        file.as_file().sync_all().map_err(kept)?;
        let persisted = file.persist(place);
        persisted.map_err(|error| kept(error.error))?;
        Ok(size)
    }
}
