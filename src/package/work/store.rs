//! Where finished segments lie: a folder, a bucket, or anything else behind `object_store`.
//!
//! Blocking, since those who fit and publish are: a runtime of its own turns the requests. Every
//! object appears whole or not at all; an object that is there is never changed, at most replaced
//! by the same bytes.

use super::{Kept, Plan};
use crate::package::PackageError;
use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as StorePath;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};
use std::path::Path;
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};

/// Longest object that is read, in bytes.
const MAX_OBJECT: u64 = 1 << 30;

/// A place for the segments of encodes.
#[derive(Debug)]
pub struct WorkStore {
    store: Arc<dyn ObjectStore>,
    name: String,
    runtime: Runtime,
}

impl WorkStore {
    /// Opens `place`: `s3://BUCKET/PREFIX` with what the environment says of it (`AWS_REGION`,
    /// `AWS_ENDPOINT`, `AWS_ACCESS_KEY_ID`, …; `AWS_ALLOW_HTTP=true` for a plain endpoint), or
    /// else a folder, which is made if it is missing.
    ///
    /// Fails if the folder cannot be made or the URL or its credentials make no sense.
    pub fn open(place: &str) -> Result<Self, PackageError> {
        match place.split_once("://") {
            None => Self::folder(Path::new(place)),
            Some(("s3", rest)) => Self::bucket(place, rest),
            Some((scheme, _)) => {
                let problem = format!("expected a folder or s3://BUCKET/PREFIX, found {scheme}:");
                Err(PackageError::damaged(place, problem))
            }
        }
    }

    /// The store of a folder, which is made if it is missing. What is put is on disk when the call
    /// returns.
    pub fn folder(folder: &Path) -> Result<Self, PackageError> {
        std::fs::create_dir_all(folder).map_err(PackageError::io(folder))?;
        let name = folder.display().to_string();
        let store = LocalFileSystem::new_with_prefix(folder);
        let store = store.map_err(PackageError::store(&name))?;
        Self::new(Arc::new(store.with_fsync(true)), name)
    }

    fn bucket(place: &str, rest: &str) -> Result<Self, PackageError> {
        // Whoever comes first decides; a second call has nothing to add.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let store = AmazonS3Builder::from_env().with_bucket_name(bucket).build();
        let store = store.map_err(PackageError::store(place))?;
        let prefix = StorePath::parse(prefix.trim_end_matches('/'));
        let prefix = prefix.map_err(|error| PackageError::store(place)(error.into()))?;
        Self::new(Arc::new(PrefixStore::new(store, prefix)), place.to_owned())
    }

    /// Any other store, called `name` in messages.
    pub fn new(store: Arc<dyn ObjectStore>, name: String) -> Result<Self, PackageError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(PackageError::io(Path::new(&name)))?;
        Ok(Self {
            store,
            name,
            runtime,
        })
    }

    /// What the store is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The plans that lie here, by name.
    ///
    /// Fails if one is damaged.
    pub fn plans(&self) -> Result<Vec<(String, Plan)>, PackageError> {
        let mut names = self.names()?;
        names.retain(|name| Plan::is_name(name));
        let read = |name: String| {
            let bytes = self.get(&name)?.unwrap_or_default();
            let plan = Plan::from_object(&self.place(&name), &name, &bytes)?;
            Ok((name, plan))
        };
        names.into_iter().map(read).collect()
    }

    /// Puts a plan; returns its name.
    pub fn put_plan(&self, plan: &Plan) -> Result<String, PackageError> {
        let (name, bytes) = plan.to_object()?;
        self.put(&name, bytes)?;
        Ok(name)
    }

    /// The numbers (from 0) of the segments of `plan` that are not here.
    pub fn missing(&self, plan: &Plan) -> Result<Vec<usize>, PackageError> {
        let names = self.names()?;
        let planned = plan.segments.iter().enumerate();
        let missing = planned.filter(|(_, segment)| names.binary_search(&segment.name).is_err());
        Ok(missing.map(|(number, _)| number).collect())
    }

    /// The segment called `name`, if it is here. Fails if it is damaged.
    pub fn segment(&self, name: &str) -> Result<Option<Kept>, PackageError> {
        let bytes = self.get(name)?;
        let read = |bytes: Bytes| Kept::from_bytes(&self.place(name), &bytes);
        bytes.map(read).transpose()
    }

    /// As [`Self::segment`], but fails if it is not here.
    pub fn expect_segment(&self, name: &str) -> Result<Kept, PackageError> {
        let missing = || PackageError::damaged(&self.place(name), "it is gone");
        self.segment(name)?.ok_or_else(missing)
    }

    /// Puts a segment, whole or not at all.
    pub fn put_segment(&self, name: &str, kept: &Kept) -> Result<(), PackageError> {
        self.put(name, kept.to_bytes()?)
    }

    /// Where an object of this name lies, for messages.
    fn place(&self, name: &str) -> String {
        format!("{}/{name}", self.name)
    }

    /// The names of all objects, in order.
    fn names(&self) -> Result<Vec<String>, PackageError> {
        let listed: Result<Vec<_>, _> = self.runtime.block_on(self.store.list(None).try_collect());
        let listed = listed.map_err(PackageError::store(&self.name))?;
        let mut names: Vec<String> = listed
            .into_iter()
            .map(|object| object.location.to_string())
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    fn get(&self, name: &str) -> Result<Option<Bytes>, PackageError> {
        let read = async {
            let found = self.store.get(&StorePath::from(name)).await?;
            if found.meta.size > MAX_OBJECT {
                return Ok(Bytes::new());
            }
            found.bytes().await
        };
        match self.runtime.block_on(read) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(PackageError::store(&self.place(name))(error)),
        }
    }

    fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), PackageError> {
        let location = StorePath::from(name);
        let put = self.store.put(&location, bytes.into());
        let put = self.runtime.block_on(put);
        put.map_err(PackageError::store(&self.place(name)))?;
        Ok(())
    }
}
