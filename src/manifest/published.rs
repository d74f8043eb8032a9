//! Dates of publication of a title's files: `published.json` in its folder.
//!
//! A store's own times differ from copy to copy; these travel with the title, so every server of
//! it says the same `Last-Modified`. A time belongs to content, not to a name: a manifest's counts
//! only for the bytes with the digest recorded with it, and an edition's folder is named for
//! its content already. Players do not need this file.

use crate::segment::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Name of the file in the folder of a title.
pub const PUBLISHED: &str = "published.json";

/// The times at which the files of a title were published, in seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// Of the manifests and the files in the same folder, by name.
    files: BTreeMap<String, Dated>,
    /// Of the folders that never change, by name.
    editions: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Dated {
    /// Digest of the content, 64 hex digits.
    sha256: String,
    /// When it became that.
    time: u64,
}

impl Publication {
    /// Reads the file. `None` if it is damaged: then no times are known.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The file's content.
    ///
    /// ```
    /// use promptus::manifest::Publication;
    /// let mut publication = Publication::default();
    /// publication.date_edition("0123456789abcdef", 1_767_225_600);
    /// assert_eq!(Publication::read(&publication.write()), Some(publication));
    /// ```
    pub fn write(&self) -> Vec<u8> {
        // Maps with text keys can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Dates the folder `name` with `time` unless it is dated already.
    pub fn date_edition(&mut self, name: &str, time: u64) {
        self.editions.entry(name.to_owned()).or_insert(time);
    }

    /// Dates all files of the title's own folder, given as names and content: new and changed ones
    /// with `time`.
    pub fn date_files<'a>(&mut self, files: impl Iterator<Item = (&'a str, &'a [u8])>, time: u64) {
        let mut before = std::mem::take(&mut self.files);
        for (name, bytes) in files {
            let sha256 = hex(&Sha256::digest(bytes));
            let same = before.remove(name).filter(|dated| dated.sha256 == sha256);
            let dated = same.unwrap_or(Dated { sha256, time });
            self.files.insert(name.to_owned(), dated);
        }
    }

    /// Forgets the folders that `stays` denies.
    pub fn retain_editions(&mut self, stays: impl Fn(&str) -> bool) {
        self.editions.retain(|name, _| stays(name));
    }

    /// When the folder `name` was published.
    pub fn edition(&self, name: &str) -> Option<u64> {
        self.editions.get(name).copied()
    }

    /// Whether a file `name` is dated.
    pub fn has_file(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// When the file `name` became content whose SHA-256 begins with these hex digits.
    pub fn file(&self, name: &str, digest: &str) -> Option<u64> {
        let dated = self.files.get(name)?;
        let same = !digest.is_empty() && dated.sha256.starts_with(digest);
        same.then_some(dated.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_belongs_to_content() {
        let mut publication = Publication::default();
        let date = |publication: &mut Publication, master: &'static str, time| {
            let files = [("master.m3u8", master.as_bytes()), ("m.mpd", b"mpd")];
            publication.date_files(files.into_iter(), time);
        };
        let digest = |text: &str| hex(&Sha256::digest(text)[..16]);
        date(&mut publication, "one", 10);
        date(&mut publication, "two", 20);
        assert_eq!(publication.file("master.m3u8", &digest("one")), None);
        assert_eq!(publication.file("master.m3u8", &digest("two")), Some(20));
        assert_eq!(publication.file("m.mpd", &digest("mpd")), Some(10));
        assert_eq!(publication.file("none", &digest("mpd")), None);
        assert!(publication.has_file("m.mpd") && !publication.has_file("none"));
        assert_eq!(publication.file("m.mpd", ""), None);
        publication.date_edition("a", 10);
        publication.date_edition("a", 20);
        publication.date_edition("b", 20);
        publication.retain_editions(|name| name == "a");
        assert_eq!(
            (publication.edition("a"), publication.edition("b")),
            (Some(10), None)
        );
        assert_eq!(Publication::read(b"{}"), None);
    }
}
