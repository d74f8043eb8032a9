//! Input files: bounded in size, read as text without a byte order mark or as JSON.

use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Largest input, bytes: reading an endless device must not fill the memory.
const MAX_BYTES: u64 = 256 << 20;

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot read the {content}", file.display())]
pub struct Unreadable {
    /// The file.
    pub file: PathBuf,
    /// The kind of content, such as `trace`.
    pub content: &'static str,
    /// The system's error.
    #[source]
    pub source: io::Error,
}

/// JSON that does not fit its format.
#[derive(Debug, thiserror::Error)]
#[error("{file}: expected {expected}: {source}")]
pub struct BadJson {
    /// The file.
    pub file: String,
    /// The format.
    pub expected: &'static str,
    /// The JSON reader's error, with line and column.
    #[source]
    pub source: serde_json::Error,
}

impl BadJson {
    pub(crate) fn new(file: &str, expected: &'static str, source: serde_json::Error) -> Self {
        Self {
            file: file.to_owned(),
            expected,
            source,
        }
    }
}

/// The bytes of `file`, which holds a `content`.
pub(crate) fn bytes(file: &Path, content: &'static str) -> Result<Vec<u8>, Unreadable> {
    bounded(file).map_err(|source| Unreadable {
        file: file.to_owned(),
        content,
        source,
    })
}

/// The text of `file`, which holds a `content`.
pub(crate) fn text(file: &Path, content: &'static str) -> Result<String, Unreadable> {
    let text = String::from_utf8(bytes(file, content)?);
    let mut text = text.map_err(|error| Unreadable {
        file: file.to_owned(),
        content,
        source: io::Error::new(io::ErrorKind::InvalidData, error),
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// Reads JSON from `text`, the content of `file`.
pub(crate) fn json<T: DeserializeOwned>(
    file: &str,
    text: &str,
    expected: &'static str,
) -> Result<T, BadJson> {
    serde_json::from_str(text).map_err(|source| BadJson::new(file, expected, source))
}

fn bounded(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("expected at most {MAX_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(bytes)
}
