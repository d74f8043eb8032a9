//! Publication of an edition: the order of its writes, and which files and folders it replaces and
//! removes. The same for a folder and for an object store.

use crate::claim::now;
use crate::manifest::{PUBLISHED, Publication};
use crate::package::PackageError;
use crate::package::title::{MASTER, POSTER, QUALITY, SOURCE, TitleFile, TitleFiles};
use crate::segment::hex;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Files beside the manifests that an edition may lack.
const OPTIONAL: [&str; 3] = [QUALITY, SOURCE, POSTER];

/// The place of a title, locked for one publisher. Names are relative to it.
pub(super) trait Place {
    /// A file, or `None` if it is missing.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PackageError>;
    fn folders(&self) -> Result<Vec<String>, PackageError>;
    /// Time since the HLS entry point was written, if there is one.
    fn age(&self) -> Result<Option<Duration>, PackageError>;
    /// Writes an edition's folder, unless it is there already: its name is a hash of its content.
    fn fill(&mut self, hash: &str, files: &[TitleFile]) -> Result<(), PackageError>;
    /// Writes a file as a whole.
    fn replace(&mut self, name: &str, bytes: &[u8]) -> Result<(), PackageError>;
    fn remove(&mut self, name: &str) -> Result<(), PackageError>;
    fn remove_folder(&mut self, name: &str) -> Result<(), PackageError>;
}

/// As [`super::Destination::publish`].
pub(super) fn publish(
    place: &mut impl Place,
    files: &TitleFiles,
    keep: Duration,
) -> Result<(), PackageError> {
    let before = place.read(PUBLISHED)?;
    let before = before.and_then(|bytes| Publication::read(&bytes));
    let before = before.unwrap_or_default();
    let folders = place.folders()?;
    let outdated = outdated(place, &folders, &before, &files.hash, keep)?;
    let mut publication = before.clone();
    publication.date_edition(&files.hash, now());
    place.replace(PUBLISHED, &publication.write())?;
    place.fill(&files.hash, &files.immutable)?;
    publication.retain_editions(|name| name == files.hash || folders.iter().any(|f| f == name));
    let manifests = files.manifests.iter();
    let manifests = manifests.map(|file| (file.name.as_str(), &*file.bytes));
    publication.date_files(manifests, now());
    place.replace(PUBLISHED, &publication.write())?;
    for file in &files.manifests {
        place.replace(&file.name, &file.bytes)?;
    }
    for name in OPTIONAL {
        let absent = files.manifests.iter().all(|file| file.name != name);
        let ours = |bytes: &[u8]| before.file(name, &hex(&Sha256::digest(bytes))).is_some();
        if absent && place.read(name)?.as_deref().is_some_and(ours) {
            place.remove(name)?;
        }
    }
    outdated
        .into_iter()
        .try_for_each(|folder| place.remove_folder(folder))
}

/// The `folders` whose edition was published here (`before` lists it) and replaced more than `keep`
/// ago: the HLS entry point is at least as old as the replacement of whatever it does not name.
fn outdated<'a>(
    place: &impl Place,
    folders: &'a [String],
    before: &Publication,
    new_hash: &str,
    keep: Duration,
) -> Result<Vec<&'a str>, PackageError> {
    let entry = place.read(MASTER)?.unwrap_or_default();
    let entry = String::from_utf8_lossy(&entry);
    if place.age()?.is_none_or(|age| age < keep) {
        return Ok(Vec::new());
    }
    let current = |name: &str| name == new_hash || entry.contains(&format!("{name}/"));
    let ours = |name: &str| before.edition(name).is_some() && is_hash(name);
    let names = folders.iter().map(String::as_str);
    Ok(names.filter(|name| ours(name) && !current(name)).collect())
}

/// Whether `name` is that of an edition's folder: 16 lower-case hex digits.
pub(in crate::package) fn is_hash(name: &str) -> bool {
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    name.len() == 16 && name.bytes().all(hex)
}

/// Whether `name` is that of a publisher's working folder or lock.
pub(in crate::package) fn is_working(name: &str) -> bool {
    name.starts_with(".publish-")
}
