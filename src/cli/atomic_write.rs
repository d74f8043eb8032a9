//! Atomic writes of result files: a file appears whole or not at all, and replaces another only with
//! the user's consent (see [`super::overwrite`]).
//!
//! An existing device, pipe or link is written to, not replaced.

use super::{CliError, overwrite};
use crate::sink::SinkError;
use crate::sink::publish::{beside, publish};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Writes `bytes` to a temporary file in the same folder and renames it to `path`, with the usual
/// permissions. Fails with an error that names `path`.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    overwrite::file(path)?;
    let io = |error| SinkError::io(path, error);
    let about = path.symlink_metadata();
    if about.is_ok_and(|about| !about.is_file()) {
        let there = OpenOptions::new().write(true).truncate(true).open(path);
        there
            .and_then(|mut there| there.write_all(bytes))
            .map_err(io)?;
    } else {
        let mut file = beside(path)?;
        file.write_all(bytes).map_err(io)?;
        publish(file, path)?;
    }
    overwrite::allow(path);
    Ok(())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn links_and_devices_are_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        write(&file, b"a longer text").unwrap();
        overwrite::allow(&link);
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, b"short").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"short");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        write(Path::new("/dev/null"), b"gone").unwrap();
        assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
        let error = write(folder.path(), b"x").unwrap_err().message();
        assert!(error.contains("directory"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
