//! The bytes of a weights file: mapped into memory, so that five gigabytes cost no copy and are
//! shared between processes; held, where the file ships with the crate or cannot be mapped.

#![allow(unsafe_code)]

use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

/// All bytes of a file.
pub(super) enum Bytes {
    Held(Cow<'static, [u8]>),
    Mapped(Mmap),
}

impl Bytes {
    /// Maps the file at `path`, or reads it where it cannot be mapped (an empty file, a pipe).
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Ok(Self::Held(fs::read(path)?.into()));
        }
        // SAFETY: the map is read only and never handed out mutably. Weights are installed once;
        // whoever cuts the file short while it is in use gets a bus error, as with every program
        // that maps its weights, and whoever rewrites it gets other pictures.
        match unsafe { Mmap::map(&file) } {
            Ok(map) => Ok(Self::Mapped(map)),
            Err(_) => Ok(Self::Held(fs::read(path)?.into())),
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Held(bytes) => bytes,
            Self::Mapped(map) => map,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Bytes;
    use std::fs;

    #[test]
    fn a_file_is_mapped_and_an_empty_one_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        fs::write(&path, b"numbers").unwrap();
        let bytes = Bytes::open(&path).unwrap();
        assert!(matches!(bytes, Bytes::Mapped(_)));
        assert_eq!(&bytes[..], b"numbers");
        fs::write(&path, b"").unwrap();
        assert_eq!(&Bytes::open(&path).unwrap()[..], b"");
        assert!(Bytes::open(folder.path()).is_err());
        assert!(Bytes::open(&folder.path().join("none")).is_err());
    }
}
