//! Titles on disk: `file://` URLs, whole or in ranges.
//!
//! A manifest from the network may not refer to local files: see `resolve`.

use super::error::{AnswerProblem, FetchError};
use super::resolve::{LONGEST, span};
use crate::manifest::ByteRange;
use reqwest::Url;
use std::fs::Metadata;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// Manifests of a title folder. The MPD comes first because only it can name layers.
const MANIFESTS: [&str; 2] = ["manifest.mpd", "master.m3u8"];

/// The URL of a title: `text` itself if it is a URL, else the `file://` URL of a local manifest, or of
/// the manifest in a local title folder (`manifest.mpd` before `master.m3u8`).
///
/// Fails if there is no such file or folder.
pub fn locate(text: &str) -> Result<String, FetchError> {
    if text.contains("://") {
        return Ok(text.to_owned());
    }
    let given = Path::new(text);
    let failed = |source: io::Error| FetchError::Absent {
        path: given.to_owned(),
        source,
    };
    let mut path = given.canonicalize().map_err(failed)?;
    if path.is_dir() {
        let manifests = MANIFESTS.map(|name| path.join(name));
        let here = manifests.into_iter().find(|manifest| manifest.is_file());
        let missing = "the folder holds neither manifest.mpd nor master.m3u8";
        let missing = || failed(io::Error::new(io::ErrorKind::NotFound, missing));
        path = here.ok_or_else(missing)?;
    }
    let url = Url::from_file_path(&path).map(String::from);
    url.map_err(|()| failed(io::ErrorKind::InvalidInput.into()))
}

/// The file at `url`, or a range of it.
pub(super) async fn read(url: &Url, range: Option<ByteRange>) -> Result<Vec<u8>, FetchError> {
    let path = path(url);
    let file_length = size(url).await?;
    let (start, length) = range.map_or((0, file_length), |range| (range.start, range.length));
    let range = ByteRange { start, length };
    if length > LONGEST {
        return Err(AnswerProblem::TooLong(LONGEST).at(url));
    }
    if range.end() > file_length {
        let found = format!("a file of {file_length} bytes");
        let asked = span(range);
        return Err(AnswerProblem::Range { asked, found }.at(url));
    }
    let read = async {
        let mut file = File::open(&path).await?;
        file.seek(SeekFrom::Start(start)).await?;
        let mut bytes = vec![0; length as usize];
        file.read_exact(&mut bytes).await?;
        Ok(bytes)
    };
    read.await
        .map_err(|source| FetchError::File { path, source })
}

/// Length in bytes of the regular file at `url`.
pub(super) async fn size(url: &Url) -> Result<u64, FetchError> {
    let path = path(url);
    let regular = |about: Metadata| match about.is_file() {
        true => Ok(about.len()),
        false => Err(io::Error::other("not a regular file")),
    };
    let about = tokio::fs::metadata(&path).await;
    about
        .and_then(regular)
        .map_err(|source| FetchError::File { path, source })
}

fn path(url: &Url) -> PathBuf {
    url.to_file_path().unwrap_or_else(|()| url.path().into())
}
