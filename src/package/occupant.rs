//! The present content of a title's place: whether publishing there would overwrite anything.

#[cfg(feature = "net")]
use super::bucket::Bucket;
use super::publish::edition::{is_hash, is_working};
use super::title::MASTER;
use super::{PackageError, durable};
use crate::manifest::{PUBLISHED, Publication};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// The present content of a folder or of a prefix in an object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occupant {
    /// Nothing, an empty folder, or the remains of an interrupted first publication.
    Nothing,
    /// A title of this program.
    Title,
    /// Other files: the name of the first of them.
    Folder(String),
    /// A file instead of a folder.
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
        let names = durable::names(path).map_err(PackageError::io(path))?;
        let read = |name: &str| fs::read(path.join(name)).ok();
        Ok(Self::of_names(names, read(MASTER), read(PUBLISHED)))
    }

    /// Looks at a prefix of an object store. Fails if the store does.
    #[cfg(feature = "net")]
    pub(super) fn of_bucket(bucket: &Bucket) -> Result<Self, PackageError> {
        let (objects, folders) = bucket.entries()?;
        let names = objects.into_iter().chain(folders);
        let [master, published] = [bucket.get(MASTER)?, bucket.get(PUBLISHED)?]
            .map(|object| object.map(|(bytes, _)| bytes.to_vec()));
        Ok(Self::of_names(names, master, published))
    }

    fn of_names(
        names: impl IntoIterator<Item = String>,
        master: Option<Vec<u8>>,
        published: Option<Vec<u8>>,
    ) -> Self {
        let dated = published.is_some_and(|bytes| Publication::read(&bytes).is_some());
        // Titles of early versions have no dates.
        let named = |bytes: Vec<u8>| {
            dated || String::from_utf8_lossy(&bytes).contains("DATA-ID=\"promptus.")
        };
        if master.is_some_and(named) {
            return Self::Title;
        }
        let ours =
            |name: &String| is_hash(name) || is_working(name) || (dated && name == PUBLISHED);
        let others = names.into_iter().filter(|name| !ours(name));
        others.min().map_or(Self::Nothing, Self::Folder)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_title_only_with_our_entry_point() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let is = |name: &str, expected| assert_eq!(Occupant::of(&at(name)).unwrap(), expected);
        is("new", Occupant::Nothing);
        fs::create_dir_all(at("left/.publish-work")).unwrap();
        fs::create_dir_all(at("left/0123456789abcdef")).unwrap();
        let none = Publication::default().write();
        fs::write(at("left").join(PUBLISHED), &none).unwrap();
        is("left", Occupant::Nothing);
        fs::create_dir(at("pictures")).unwrap();
        fs::write(at("pictures/poster.jpg"), "mine").unwrap();
        fs::write(at("pictures/master.m3u8"), "#EXTM3U\n").unwrap();
        is("pictures", Occupant::Folder("master.m3u8".to_owned()));
        is("pictures/poster.jpg", Occupant::File);
        fs::write(at("pictures").join(PUBLISHED), none).unwrap();
        is("pictures", Occupant::Title);
    }
}
