//! Files that others made: read as text up to a size, without a byte order mark.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Larger files are no input, bytes: a device that never ends must not fill the memory.
const LARGEST: u64 = 256 << 20;

/// The file's bytes.
pub(crate) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        let message = format!("expected at most {LARGEST} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok(bytes)
}

/// The file's text.
pub(crate) fn text(path: &Path) -> io::Result<String> {
    let text = String::from_utf8(bytes(path)?);
    let mut text = text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}
