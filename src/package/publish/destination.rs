//! Where a title is published: a folder or a prefix of an object store, behind one type.

use super::{bucket, folder};
use crate::package::bucket::Bucket;
use crate::package::{Occupant, PackageError, TitleFiles};
use crate::store::is_url;
use object_store::ObjectStore;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A place for one title. Its calls block: do not make them from async code.
///
/// ```
/// use object_store::memory::InMemory;
/// use promptus::package::{Destination, KEEP_OLD, Occupant, Title};
/// use std::sync::Arc;
///
/// // On a bucket: Destination::open("s3://films/holiday")?, with credentials from the environment.
/// let place = Destination::store(Arc::new(InMemory::new()), "films/holiday")?;
/// let files = Title::open("manifests/demo".as_ref())?.content()?.build()?;
/// assert_eq!(place.occupant()?, Occupant::Nothing);
/// place.publish(&files, KEEP_OLD)?;
/// assert_eq!(place.occupant()?, Occupant::Title);
/// # Ok::<(), promptus::package::PackageError>(())
/// ```
#[derive(Debug)]
pub struct Destination(Kind);

#[derive(Debug)]
enum Kind {
    Folder(PathBuf),
    Store(Bucket),
}

impl Destination {
    /// A folder, which may not exist yet, or a URL `s3://BUCKET/TITLE`, `gs://…`, `az://…` (see
    /// [`crate::store::open`]). Nothing is written or requested yet.
    ///
    /// Fails on a URL of another kind, or one without a path.
    pub fn open(place: &str) -> Result<Self, PackageError> {
        if !is_url(place) {
            return Ok(Self(Kind::Folder(place.into())));
        }
        let path = place.split_once("://").map(|(_, path)| path);
        let title = path.and_then(|path| path.split_once('/'));
        if title.is_none_or(|(_, title)| title.is_empty()) {
            let problem = "expected a path after the bucket, the title's name";
            return Err(PackageError::invalid(place, problem));
        }
        Bucket::open(place).map(Kind::Store).map(Self)
    }

    /// Any other object store, called `name` in messages.
    ///
    /// Fails if the system denies the resources for a runtime.
    pub fn store(store: Arc<dyn ObjectStore>, name: &str) -> Result<Self, PackageError> {
        Bucket::new(store, name.to_owned())
            .map(Kind::Store)
            .map(Self)
    }

    /// The folder, unless the place is in an object store.
    pub fn folder(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Folder(folder) => Some(folder),
            Kind::Store(_) => None,
        }
    }

    /// Where the finished segments of an encode of this title are kept: `TITLE.work` beside a
    /// folder, or in the working directory for a title in a store.
    ///
    /// Fails on a path without a name.
    pub fn work_folder(&self) -> Result<PathBuf, PackageError> {
        let place = self.to_string();
        let name = Path::new(&place).file_name().map(OsStr::to_owned);
        let none = || PackageError::invalid(&place, "expected a folder with a name");
        let mut name = name.ok_or_else(none)?;
        name.push(".work");
        Ok(match self.folder() {
            Some(folder) => folder.with_file_name(name),
            None => name.into(),
        })
    }

    /// Fails if nothing can be written into the folder, or into the one that it will be made in. A
    /// store is not asked: writing is the only test.
    pub fn check_writable(&self) -> Result<(), PackageError> {
        let Some(folder) = self.folder() else {
            return Ok(());
        };
        let there = folder.ancestors().find(|path| path.is_dir());
        let there = there.unwrap_or(Path::new("."));
        let file = tempfile::tempfile_in(there).map(drop);
        file.map_err(PackageError::io(there))
    }

    /// The present content. Fails if the file system or the store does.
    pub fn occupant(&self) -> Result<Occupant, PackageError> {
        match &self.0 {
            Kind::Folder(folder) => Occupant::of(folder),
            Kind::Store(bucket) => Occupant::of_bucket(bucket),
        }
    }

    /// Publishes `files`; folders of earlier editions go once they have been out of date for
    /// `keep`.
    ///
    /// Fails if another publisher is at work there, or if the file system or the store does: the
    /// title is then as it was, or whole and new with an old folder left over.
    pub fn publish(&self, files: &TitleFiles, keep: Duration) -> Result<(), PackageError> {
        match &self.0 {
            Kind::Folder(folder) => folder::publish(folder, files, keep),
            Kind::Store(bucket) => bucket::publish(bucket, files, keep),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Folder(folder) => folder.display().fmt(f),
            Kind::Store(bucket) => f.write_str(bucket.name()),
        }
    }
}
