//! Publishes into a prefix of an object store, by conditional puts under a lock.
//!
//! Media are created, never replaced: a folder's name is a hash of its content, so an object that
//! is there already is the same one. A manifest is replaced only if it is still the version that
//! was there when the lock was taken. Every object carries its media type and how long caches may
//! keep it, for buckets that serve players directly.

use super::edition::{self, EntryPoint, OPTIONAL, now};
use super::lock::Lock;
use crate::manifest::{PUBLISHED, Publication};
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
    let mut lock = Lock::take(bucket)?;
    let mut there = There::read(bucket, files)?;
    let before = there.publication();
    let folders = bucket.entries()?.folders;
    let entry = there.entry_point();
    let outdated = edition::outdated(
        folders.iter().cloned(),
        entry.as_ref(),
        &before,
        &files.hash,
        keep,
    );
    there.replace(PUBLISHED, &edition::announced(&before, files).write())?;
    for file in &files.immutable {
        lock.keep()?;
        create(bucket, &files.hash, file)?;
    }
    lock.confirm()?;
    let stays = |name: &str| folders.iter().any(|folder| folder == name);
    there.replace(PUBLISHED, &edition::dated(&before, files, stays).write())?;
    for file in &files.manifests {
        lock.keep()?;
        there.replace(&file.name, &file.bytes)?;
    }
    for name in OPTIONAL {
        if let Some((bytes, _)) = bucket.get(name)?
            && edition::is_left_over(name, &bytes, files, &before)
        {
            bucket.delete(name)?;
        }
    }
    for folder in outdated {
        for object in bucket.list(Some(&folder))? {
            lock.keep()?;
            bucket.delete(&object)?;
        }
    }
    Ok(())
}

/// Puts a file of an edition's folder, unless it is there.
fn create(bucket: &Bucket, hash: &str, file: &TitleFile) -> Result<(), PackageError> {
    let name = format!("{hash}/{}", file.name);
    let attributes = attributes(&name, IMMUTABLE);
    if bucket
        .put(&name, &file.bytes, PutMode::Create, attributes)?
        .is_some()
    {
        return Ok(());
    }
    let (found, expected) = (bucket.head(&name)?, file.bytes.len() as u64);
    if found.is_some_and(|meta| meta.size == expected) {
        return Ok(());
    }
    let problem = format!("is not the file of {expected} bytes that its folder is named for");
    Err(PackageError::damaged(&bucket.place(&name), problem))
}

/// The files beside the manifests as they were when the lock was taken.
struct There<'a> {
    bucket: &'a Bucket,
    found: HashMap<String, (Bytes, ObjectMeta)>,
    versions: HashMap<String, UpdateVersion>,
}

impl<'a> There<'a> {
    fn read(bucket: &'a Bucket, files: &TitleFiles) -> Result<Self, PackageError> {
        let names = files.manifests.iter().map(|file| file.name.as_str());
        let mut found = HashMap::new();
        for name in names.chain([PUBLISHED]) {
            if let Some(object) = bucket.get(name)? {
                found.insert(name.to_owned(), object);
            }
        }
        let version = |(name, (_, meta)): (&String, &(Bytes, ObjectMeta))| {
            let (e_tag, version) = (meta.e_tag.clone(), meta.version.clone());
            (name.clone(), UpdateVersion { e_tag, version })
        };
        Ok(Self {
            bucket,
            versions: found.iter().map(version).collect(),
            found,
        })
    }

    fn publication(&self) -> Publication {
        let read = self.found.get(PUBLISHED);
        let read = read.and_then(|(bytes, _)| Publication::read(bytes));
        read.unwrap_or_default()
    }

    fn entry_point(&self) -> Option<EntryPoint> {
        let (bytes, meta) = self.found.get(MASTER)?;
        let written = u64::try_from(meta.last_modified.timestamp()).unwrap_or(0);
        Some(EntryPoint {
            text: String::from_utf8_lossy(bytes).into_owned(),
            age: Duration::from_secs(now().saturating_sub(written)),
        })
    }

    /// Replaces an object if it is still the one that was found, or still absent.
    fn replace(&mut self, name: &str, bytes: &[u8]) -> Result<(), PackageError> {
        let mode = match self.versions.remove(name) {
            Some(version) => PutMode::Update(version),
            None => PutMode::Create,
        };
        let put = self
            .bucket
            .put(name, bytes, mode, attributes(name, MUTABLE))?;
        let Some(version) = put else {
            let problem = "was changed by another program while this title was being published";
            return Err(PackageError::damaged(&self.bucket.place(name), problem));
        };
        self.versions.insert(name.to_owned(), version);
        Ok(())
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
