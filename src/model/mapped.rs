//! Weights files mapped into memory, so that five gigabytes cost no copy and are shared between
//! processes; read, where a file cannot be mapped.

#![allow(unsafe_code)]

use std::fs::{self, File};
use std::io;
use std::path::Path;

use candle_core::Device;
use memmap2::Mmap;

use super::ModelError;
use super::weights::{Bytes, Checkpoint};

impl Checkpoint {
    /// Opens the file at `path`; tensors will be made on `device`.
    ///
    /// Fails if the file cannot be read or is not a whole safetensors file.
    pub fn read(path: &Path, device: &Device) -> Result<Self, ModelError> {
        let file = path.display().to_string();
        match open(path) {
            Ok(bytes) => Self::new(file, bytes, device),
            Err(source) => Err(ModelError::Read { file, source }),
        }
    }
}

/// Maps the file at `path`, or reads it where it cannot be mapped (an empty file, a pipe).
fn open(path: &Path) -> io::Result<Bytes> {
    let file = File::open(path)?;
    if file.metadata()?.is_file() {
        // SAFETY: the map is read only and never handed out mutably. Weights are installed once; a
        // process that truncates the file while it is in use causes a bus error, as with every
        // program that maps its weights, and one that rewrites it changes the pictures.
        if let Ok(map) = unsafe { Mmap::map(&file) } {
            return Ok(Box::new(map));
        }
    }
    Ok(Box::new(fs::read(path)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::open;
    use std::fs;

    #[test]
    fn files_with_and_without_content_are_opened_and_folders_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        for content in [&b"numbers"[..], b""] {
            fs::write(&path, content).unwrap();
            assert_eq!(&open(&path).unwrap()[..], content);
        }
        assert!(open(folder.path()).is_err());
        assert!(open(&folder.path().join("none")).is_err());
    }
}
