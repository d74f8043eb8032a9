//! Results as files that appear whole or not at all. Knows nothing of what is in them.

use super::CliError;
use std::io::{self, Write};
use std::path::Path;

/// Writes `bytes` beside `path` and moves them there, readable like any other file. Fails with an
/// error that names `path`.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    put(path, bytes).map_err(|error| CliError::input(format!("{}: {error}", path.display())))
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
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
