//! A prefix of an object store with blocking calls, as encoding and publishing are not async.
//!
//! A runtime of its own drives the requests, so nothing here may be called from async code. Every
//! error names the object.

use super::PackageError;
use crate::store;
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::Error::{AlreadyExists, NotFound, Precondition};
use object_store::path::Path as StorePath;
use object_store::{
    Attributes, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion,
};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// Longest object that is read, in bytes.
const MAX_OBJECT: u64 = 1 << 30;

/// A prefix of an object store.
#[derive(Debug)]
pub(super) struct Bucket {
    store: Arc<dyn ObjectStore>,
    name: String,
    runtime: Runtime,
}

impl Bucket {
    /// Opens a URL, see [`store::open`].
    pub(super) fn open(url: &str) -> Result<Self, PackageError> {
        Self::new(store::open(url)?, url.trim_end_matches('/').to_owned())
    }

    /// Any store, called `name` in errors.
    pub(super) fn new(store: Arc<dyn ObjectStore>, name: String) -> Result<Self, PackageError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(PackageError::io(Path::new(&name)))?;
        Ok(Self {
            store,
            name,
            runtime,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// An object's place in errors.
    pub(super) fn place(&self, name: &str) -> String {
        format!("{}/{name}", self.name)
    }

    /// The names of all objects below the prefix, in order.
    pub(super) fn list(&self, folder: Option<&str>) -> Result<Vec<String>, PackageError> {
        let folder = folder.map(StorePath::from);
        let listed = self.store.list(folder.as_ref()).try_collect::<Vec<_>>();
        let listed = self.runtime.block_on(listed);
        let listed = listed.map_err(PackageError::store(&self.name))?;
        let names = listed.iter().map(|object| object.location.to_string());
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The names of the objects and of the folders directly below the prefix.
    pub(super) fn entries(&self) -> Result<(Vec<String>, Vec<String>), PackageError> {
        let listed = self.runtime.block_on(self.store.list_with_delimiter(None));
        let listed = listed.map_err(PackageError::store(&self.name))?;
        let name = |path: &StorePath| path.filename().map(str::to_owned);
        let objects = listed
            .objects
            .iter()
            .filter_map(|meta| name(&meta.location));
        let folders = listed.common_prefixes.iter().filter_map(name);
        Ok((objects.collect(), folders.collect()))
    }

    /// An object and its metadata, or `None` if it is missing.
    ///
    /// Fails on an object above 1 GiB.
    pub(super) fn get(&self, name: &str) -> Result<Option<(Bytes, ObjectMeta)>, PackageError> {
        let path = StorePath::from(name);
        let Some(found) = self.found(name, self.store.get(&path))? else {
            return Ok(None);
        };
        let meta = found.meta.clone();
        if meta.size > MAX_OBJECT {
            let problem = format!("{} bytes, expected at most {MAX_OBJECT}", meta.size);
            return Err(PackageError::invalid(self.place(name), problem));
        }
        let bytes = self.found(name, found.bytes())?;
        Ok(bytes.map(|bytes| (bytes, meta)))
    }

    /// Metadata of an object, or `None` if it is missing.
    pub(super) fn head(&self, name: &str) -> Result<Option<ObjectMeta>, PackageError> {
        self.found(name, self.store.head(&StorePath::from(name)))
    }

    /// The result of a request for `name`, or `None` if that object is missing.
    fn found<T>(
        &self,
        name: &str,
        request: impl Future<Output = object_store::Result<T>>,
    ) -> Result<Option<T>, PackageError> {
        match self.runtime.block_on(request) {
            Ok(found) => Ok(Some(found)),
            Err(NotFound { .. }) => Ok(None),
            Err(error) => Err(PackageError::store(&self.place(name))(error)),
        }
    }

    /// Puts an object, whole or not at all. `None` if the condition in `mode` does not hold.
    pub(super) fn put(
        &self,
        name: &str,
        bytes: &[u8],
        mode: PutMode,
        attributes: Attributes,
    ) -> Result<Option<UpdateVersion>, PackageError> {
        let options = PutOptions {
            mode,
            attributes,
            ..PutOptions::default()
        };
        let payload = Bytes::copy_from_slice(bytes).into();
        let location = StorePath::from(name);
        let put = self.store.put_opts(&location, payload, options);
        match self.runtime.block_on(put) {
            Ok(put) => Ok(Some(put.into())),
            Err(AlreadyExists { .. } | Precondition { .. } | NotFound { .. }) => Ok(None),
            Err(error) => Err(PackageError::store(&self.place(name))(error)),
        }
    }

    /// Removes an object; one that is not there counts as removed.
    pub(super) fn delete(&self, name: &str) -> Result<(), PackageError> {
        self.found(name, self.store.delete(&StorePath::from(name)))
            .map(drop)
    }
}
