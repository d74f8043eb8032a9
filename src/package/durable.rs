//! Names in folders. A file or folder is durable only when the folder that names it has been synced,
//! too.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Makes `folder` and what is missing above it, and syncs every folder that got a new name.
pub(super) fn create_dir_all(folder: &Path) -> io::Result<()> {
    let naming = naming(folder);
    fs::create_dir_all(folder)?;
    naming.iter().try_for_each(|folder| sync(folder))
}

/// The folders that get a new name when `folder` is made, the lowest first.
fn naming(folder: &Path) -> Vec<PathBuf> {
    let missing = folder.ancestors().take_while(|path| !path.exists());
    let above = missing.filter_map(Path::parent).map(|parent| {
        let here = parent.as_os_str().is_empty();
        if here { Path::new(".") } else { parent }.to_owned()
    });
    above.collect()
}

/// The names in `folder`, in order.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let names = fs::read_dir(folder)?.map(|entry| entry.map(name));
    let mut names = names.collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

/// Syncs the names in `folder`; only Unix lets a folder be synced.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_with_a_new_name_is_synced() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        assert_eq!(naming(&at("a/b")), [at("a"), at("")]);
        create_dir_all(&at("a/b")).unwrap();
        assert!(at("a/b").is_dir());
        assert_eq!(naming(&at("a/b")), [] as [PathBuf; 0]);
        assert_eq!(naming(Path::new("no-such-title")), [PathBuf::from(".")]);
    }
}
