//! Editions of a title: which names a publication replaces and which it removes.
//!
//! Pure rules over names, dates and texts, the same for a folder and for an object store.

use crate::manifest::Publication;
use crate::package::title::{POSTER, QUALITY, SOURCE, TitleFiles, digest};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Files beside the manifests that an edition may lack.
pub(super) const OPTIONAL: [&str; 3] = [QUALITY, SOURCE, POSTER];

/// The HLS entry point as it was before a publication.
pub(super) struct EntryPoint {
    pub(super) text: String,
    /// Time since it was written: whatever it does not name was replaced at least as long ago.
    pub(super) age: Duration,
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

/// `before` with the date of the new edition's folder, for when its media are being written.
pub(super) fn announced(before: &Publication, files: &TitleFiles) -> Publication {
    let mut publication = before.clone();
    publication.date_edition(&files.hash, now());
    publication
}

/// `before` with the dates of the new manifests, and without folders that `stays` denies.
pub(super) fn dated(
    before: &Publication,
    files: &TitleFiles,
    stays: impl Fn(&str) -> bool,
) -> Publication {
    let mut publication = announced(before, files);
    publication.retain_editions(|name| name == files.hash || stays(name));
    let manifests = files.manifests.iter();
    let manifests = manifests.map(|file| (file.name.as_str(), &*file.bytes));
    publication.date_files(manifests, now());
    publication
}

/// Folders among `names` whose edition was published here (`before` lists it) and replaced more
/// than `keep` ago.
pub(super) fn outdated(
    names: impl IntoIterator<Item = String>,
    entry: Option<&EntryPoint>,
    before: &Publication,
    new_hash: &str,
    keep: Duration,
) -> Vec<String> {
    let Some(entry) = entry.filter(|entry| entry.age >= keep) else {
        return Vec::new();
    };
    let current = |name: &str| name == new_hash || entry.text.contains(&format!("{name}/"));
    let ours = |name: &str| before.edition(name).is_some() && is_hash(name);
    let names = names.into_iter();
    names.filter(|name| ours(name) && !current(name)).collect()
}

/// Whether the optional file `name` goes: the new edition lacks it, and `bytes` are those that an
/// earlier edition wrote.
pub(super) fn is_left_over(
    name: &str,
    bytes: &[u8],
    files: &TitleFiles,
    before: &Publication,
) -> bool {
    let named = files.manifests.iter().any(|file| file.name == name);
    !named && before.file(name, &digest(bytes)).is_some()
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
