//! Titles on disk: `file://` URLs, whole or in ranges.
//!
//! A manifest from the network may not refer to local files: see `resolve`.

use super::error::FetchError;
use super::limits::{LONGEST, span};
use crate::manifest::ByteRange;
use reqwest::Url;
use std::io::{self, SeekFrom};
use std::path::Path;
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
        path = here.ok_or_else(|| {
            failed(io::Error::new(
                io::ErrorKind::NotFound,
                "the folder holds neither manifest.mpd nor master.m3u8",
            ))
        })?;
    }
    match Url::from_file_path(&path) {
        Ok(url) => Ok(url.into()),
        Err(()) => Err(failed(io::ErrorKind::InvalidInput.into())),
    }
}

/// The file at `url`, or a range of it.
pub(super) async fn read(url: &Url, range: Option<ByteRange>) -> Result<Vec<u8>, FetchError> {
    let path = url.to_file_path().unwrap_or_else(|()| url.path().into());
    let failed = |source| FetchError::File {
        path: path.clone(),
        source,
    };
    let file = File::open(&path).await.map_err(failed)?;
    let about = file.metadata().await.map_err(failed)?;
    if !about.is_file() {
        return Err(failed(io::Error::other("not a regular file")));
    }
    let range = range.unwrap_or(ByteRange {
        start: 0,
        length: about.len(),
    });
    check(url, range, about.len())?;
    take(file, range).await.map_err(failed)
}

/// How many bytes the file at `url` has.
pub(super) async fn size(url: &Url) -> Result<u64, FetchError> {
    let path = url.to_file_path().unwrap_or_else(|()| url.path().into());
    match tokio::fs::metadata(&path).await {
        Ok(about) => Ok(about.len()),
        Err(source) => Err(FetchError::File { path, source }),
    }
}

fn check(url: &Url, range: ByteRange, length: u64) -> Result<(), FetchError> {
    if range.length > LONGEST {
        return Err(FetchError::TooLong {
            url: url.to_string(),
            limit: LONGEST,
        });
    }
    if range.end() > length {
        return Err(FetchError::Range {
            url: url.to_string(),
            asked: span(range),
            found: format!("a file of {length} bytes"),
        });
    }
    Ok(())
}

async fn take(mut file: File, range: ByteRange) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(range.start)).await?;
    let mut bytes = vec![0; range.length as usize];
    file.read_exact(&mut bytes).await?;
    Ok(bytes)
}
