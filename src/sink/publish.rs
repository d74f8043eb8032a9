//! Temporary files that get their final name once they are complete.

use super::error::SinkError;
use std::path::Path;
use tempfile::NamedTempFile;

/// A temporary file in the folder of `path`, removed unless it is published.
pub(crate) fn beside(path: &Path) -> Result<NamedTempFile, SinkError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(|e| SinkError::io(path, e))
}

/// Renames `file` to `path`, with the permissions of an ordinary file instead of a temporary one.
pub(crate) fn publish(file: NamedTempFile, path: &Path) -> Result<(), SinkError> {
    let io = |e| SinkError::io(path, e);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let everyone = std::fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(everyone).map_err(io)?;
    }
    file.persist(path).map(drop).map_err(|e| io(e.error))
}
