//! Atomic writes of result files: a file appears whole or not at all, and replaces another only with
//! the user's consent (see [`super::overwrite`]).
//!
//! An existing device, pipe or link is written to, not replaced.

use super::{CliError, overwrite};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// Writes `bytes` to a temporary file in the same folder and renames it to `path`, with the usual
/// permissions. Fails with an error that names `path`.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    overwrite::file(path)?;
    put(path, bytes).map_err(|error| CliError::input(format!("{}: {error}", path.display())))?;
    overwrite::allow(path);
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let about = path.symlink_metadata();
    if about.is_ok_and(|about| !about.is_file()) {
        let mut there = OpenOptions::new().write(true).truncate(true).open(path)?;
        return there.write_all(bytes);
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let everyone = std::fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(everyone)?;
    }
    file.persist(path)?;
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
