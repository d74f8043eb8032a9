//! What stands where a title is to be: decides whether publishing there would cost the user anything.

use super::PackageError;
use super::publish::{is_hash, is_working};
use super::title::MASTER;
use crate::manifest::{PUBLISHED, Publication};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occupant {
    /// Nothing, an empty folder, or what a first publication left that was broken off.
    Nothing,
    /// A title of this program.
    Title,
    /// A folder with something else in it: the name of the first such entry.
    Folder(String),
    /// No folder.
    File,
}

impl Occupant {
    /// Looks at `path`. Fails if the file system does.
    pub fn of(path: &Path) -> Result<Self, PackageError> {
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::Nothing),
            Err(error) => return Err(PackageError::io(path)(error)),
            Ok(about) if !about.is_dir() => return Ok(Self::File),
            Ok(_) => {}
        }
        if is_title(path) {
            return Ok(Self::Title);
        }
        let mut others = Vec::new();
        for entry in fs::read_dir(path).map_err(PackageError::io(path))? {
            let name = entry.map_err(PackageError::io(path))?.file_name();
            let name = name.to_string_lossy().into_owned();
            let dates = name == PUBLISHED && is_dated(path);
            if !is_hash(&name) && !is_working(&name) && !dates {
                others.push(name);
            }
        }
        Ok(others.into_iter().min().map_or(Self::Nothing, Self::Folder))
    }
}

/// Whether a folder says of itself that this program published it.
fn is_title(folder: &Path) -> bool {
    let Ok(master) = fs::read_to_string(folder.join(MASTER)) else {
        return false;
    };
    // Titles of early versions have no dates.
    is_dated(folder) || master.contains("DATA-ID=\"promptus.")
}

/// Whether this program noted here when it published what.
fn is_dated(folder: &Path) -> bool {
    let dates = fs::read(folder.join(PUBLISHED)).ok();
    dates.is_some_and(|bytes| Publication::read(&bytes).is_some())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_so_is_a_title() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        assert_eq!(Occupant::of(&at("new")).unwrap(), Occupant::Nothing);
        fs::create_dir_all(at("left/.publish-work")).unwrap();
        fs::create_dir_all(at("left/0123456789abcdef")).unwrap();
        let none = Publication::default().write();
        fs::write(at("left").join(PUBLISHED), &none).unwrap();
        assert_eq!(Occupant::of(&at("left")).unwrap(), Occupant::Nothing);
        fs::create_dir(at("pictures")).unwrap();
        fs::write(at("pictures/poster.jpg"), "mine").unwrap();
        fs::write(at("pictures/master.m3u8"), "#EXTM3U\n").unwrap();
        let first = Occupant::Folder("master.m3u8".to_owned());
        assert_eq!(Occupant::of(&at("pictures")).unwrap(), first);
        let file = Occupant::of(&at("pictures/poster.jpg")).unwrap();
        assert_eq!(file, Occupant::File);
        fs::write(at("pictures").join(PUBLISHED), none).unwrap();
        assert_eq!(Occupant::of(&at("pictures")).unwrap(), Occupant::Title);
    }
}
