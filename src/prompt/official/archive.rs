//! Reads the zip of a `torch.save` file: stored entries with known names under one root folder. Knows
//! nothing of pickles.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::error::OfficialError;

/// Entries beside the storages; those that begin with a dot are PyTorch's own records.
const KNOWN: [&str; 6] = [
    "data.pkl",
    "byteorder",
    "version",
    ".format_version",
    ".storage_alignment",
    ".data/serialization_id",
];
const MAX_ENTRIES: usize = 32;

/// The entries of one file by their name under the root folder.
pub(super) struct Archive(BTreeMap<String, Vec<u8>>);

impl Archive {
    /// Reads every entry and checks its CRC, the byte order and the file version.
    pub(super) fn read(file: &Path, bytes: &[u8]) -> Result<Self, OfficialError> {
        let fail = |entry: &str, reason: &str| {
            OfficialError::content(file, format!("entry `{entry}`: {reason}"))
        };
        let zip_fail = |error: ZipError| fail("", &error.to_string());
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(zip_fail)?;
        if zip.len() > MAX_ENTRIES {
            let reason = format!("{} entries, at most {MAX_ENTRIES}", zip.len());
            return Err(fail("", &reason));
        }
        let mut entries = BTreeMap::new();
        let mut root = None;
        for index in 0..zip.len() {
            let mut entry = zip.by_index(index).map_err(zip_fail)?;
            let path = entry.name().map_err(zip_fail)?.into_owned();
            let (folder, name) = path.split_once('/').unwrap_or(("", &path));
            if *root.get_or_insert_with(|| folder.to_owned()) != folder || !known(name) {
                return Err(fail(&path, "does not belong to a saved tensor"));
            }
            if entry.compression() != CompressionMethod::Stored {
                return Err(fail(&path, "is compressed, expected stored"));
            }
            if entry.size() > bytes.len() as u64 {
                return Err(fail(&path, "is longer than the file"));
            }
            let mut data = Vec::with_capacity(entry.size() as usize);
            let read = entry.read_to_end(&mut data);
            read.map_err(|error| fail(&path, &error.to_string()))?;
            if entries.insert(name.to_owned(), data).is_some() {
                return Err(fail(&path, "occurs twice"));
            }
        }
        let archive = Self(entries);
        if !matches!(archive.entry("byteorder"), None | Some(b"little")) {
            return Err(fail("byteorder", "expected `little`"));
        }
        if archive.entry("version") != Some(b"3\n") {
            return Err(fail("version", "expected 3"));
        }
        Ok(archive)
    }

    pub(super) fn entry(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }
}

fn known(name: &str) -> bool {
    let is_storage = |key: &str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit());
    KNOWN.contains(&name) || name.strip_prefix("data/").is_some_and(is_storage)
}
