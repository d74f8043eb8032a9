//! Publishes into a prefix of an object store, by conditional puts under a lock.
//!
//! Media are created, never replaced: a folder's name is a hash of its content, so an object that
//! is there already is the same one. A manifest is replaced only if it is still the version that
//! was there when the lock was taken. Every object carries its media type and how long caches may
//! keep it, for buckets that serve players directly.

use super::edition::{self, Place};
use super::lock::{Lock, age};
use crate::manifest::PUBLISHED;
use crate::package::PackageError;
use crate::package::bucket::Bucket;
use crate::package::title::{MASTER, TitleFile, TitleFiles};
use bytes::Bytes;
use object_store::{Attribute, Attributes, ObjectMeta, PutMode, UpdateVersion};
use std::collections::HashMap;
use std::time::Duration;

/// Folders that never change may stay in caches for a year; manifests are asked for again.
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const MUTABLE: &str = "no-cache";

/// As [`super::Destination::publish`].
pub(super) fn publish(
    bucket: &Bucket,
    files: &TitleFiles,
    keep: Duration,
) -> Result<(), PackageError> {
    edition::publish(&mut Held::take(bucket, files)?, files, keep)
}

/// A locked title, with the files beside the manifests as they were when the lock was taken.
struct Held<'a> {
    bucket: &'a Bucket,
    lock: Lock<'a>,
    found: HashMap<String, (Bytes, ObjectMeta)>,
    versions: HashMap<String, UpdateVersion>,
}

impl<'a> Held<'a> {
    fn take(bucket: &'a Bucket, files: &TitleFiles) -> Result<Self, PackageError> {
        let lock = Lock::take(bucket)?;
        let (mut found, mut versions) = (HashMap::new(), HashMap::new());
        let names = files.manifests.iter().map(|file| file.name.as_str());
        for name in names.chain([PUBLISHED]) {
            if let Some(object) = bucket.get(name)? {
                let (e_tag, version) = (object.1.e_tag.clone(), object.1.version.clone());
                versions.insert(name.to_owned(), UpdateVersion { e_tag, version });
                found.insert(name.to_owned(), object);
            }
        }
        Ok(Self {
            bucket,
            lock,
            found,
            versions,
        })
    }

    /// Puts a file of an edition's folder, unless it is there.
    fn create(&mut self, name: &str, bytes: &[u8]) -> Result<(), PackageError> {
        self.lock.keep()?;
        let (attributes, mode) = (attributes(name, IMMUTABLE), PutMode::Create);
        if self.bucket.put(name, bytes, mode, attributes)?.is_some() {
            return Ok(());
        }
        let expected = bytes.len() as u64;
        let found = self.bucket.head(name)?;
        if found.is_some_and(|meta| meta.size == expected) {
            return Ok(());
        }
        let problem = format!("is not the file of {expected} bytes that its folder is named for");
        Err(PackageError::invalid(self.bucket.place(name), problem))
    }
}

impl Place for Held<'_> {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PackageError> {
        if let Some((bytes, _)) = self.found.get(name) {
            return Ok(Some(bytes.to_vec()));
        }
        let found = self.bucket.get(name)?;
        Ok(found.map(|(bytes, _)| bytes.to_vec()))
    }

    fn folders(&self) -> Result<Vec<String>, PackageError> {
        Ok(self.bucket.entries()?.1)
    }

    fn age(&self) -> Result<Option<Duration>, PackageError> {
        Ok(self.found.get(MASTER).map(|(_, meta)| age(meta)))
    }

    fn fill(&mut self, hash: &str, files: &[TitleFile]) -> Result<(), PackageError> {
        for file in files {
            self.create(&format!("{hash}/{}", file.name), &file.bytes)?;
        }
        self.lock.confirm()
    }

    /// Replaces an object if it is still the one that was found, or still absent.
    fn replace(&mut self, name: &str, bytes: &[u8]) -> Result<(), PackageError> {
        self.lock.keep()?;
        let version = self.versions.remove(name);
        let mode = version.map_or(PutMode::Create, PutMode::Update);
        let attributes = attributes(name, MUTABLE);
        let Some(version) = self.bucket.put(name, bytes, mode, attributes)? else {
            let problem = "was changed by another program while this title was being published";
            return Err(PackageError::invalid(self.bucket.place(name), problem));
        };
        self.versions.insert(name.to_owned(), version);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), PackageError> {
        self.lock.keep()?;
        self.bucket.delete(name)
    }

    fn remove_folder(&mut self, name: &str) -> Result<(), PackageError> {
        let objects = self.bucket.list(Some(name))?;
        objects.iter().try_for_each(|object| self.remove(object))
    }
}

fn attributes(name: &str, cache_control: &'static str) -> Attributes {
    let media_type = match name.rsplit('.').next() {
        Some("m3u8") => "application/vnd.apple.mpegurl",
        Some("mpd") => "application/dash+xml",
        Some("mp4") => "video/mp4",
        Some("jpg") => "image/jpeg",
        _ => "application/json",
    };
    Attributes::from_iter([
        (Attribute::ContentType, media_type),
        (Attribute::CacheControl, cache_control),
    ])
}
