//! Reads from the object store, and the errors that they end in.
//!
//! The store is anything behind `object_store`'s trait. For a local folder, links that lead out
//! of it are treated as absent: nothing beyond the root can be read.

use super::OriginError;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path as StorePath;
use object_store::{GetOptions, GetRange, GetResult, ObjectStore, ObjectStoreExt};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A read-only view of the titles.
#[derive(Debug, Clone)]
pub(super) struct Store {
    inner: Arc<dyn ObjectStore>,
    /// The resolved root of a local folder.
    root: Option<PathBuf>,
}

/// A whole object, or the size of one that is larger than was wanted.
pub(super) enum Read {
    Whole(Bytes),
    TooLarge(u64),
}

impl Store {
    /// The titles in a local folder, which must exist.
    pub(super) fn local(root: &Path) -> Result<Self, OriginError> {
        let cannot = |problem: String| OriginError::Root {
            root: root.display().to_string(),
            problem,
        };
        let resolved = root
            .canonicalize()
            .map_err(|error| cannot(error.to_string()))?;
        if !resolved.is_dir() {
            return Err(cannot("it is not a folder".to_owned()));
        }
        let inner = LocalFileSystem::new_with_prefix(&resolved);
        Ok(Self {
            inner: Arc::new(inner.map_err(|error| cannot(error.to_string()))?),
            root: Some(resolved),
        })
    }

    /// Any other store.
    pub(super) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, root: None }
    }

    /// Reads an object of at most `limit` bytes whole.
    pub(super) async fn read(&self, path: &str, limit: u64) -> Result<Read, OriginError> {
        let found = self.get(path, None).await?;
        let size = found.meta.size;
        if size > limit {
            return Ok(Read::TooLarge(size));
        }
        let bytes = found.bytes().await;
        let bytes = bytes.map_err(|error| OriginError::store(path, error))?;
        check_length(path, bytes.len() as u64, size)?;
        Ok(Read::Whole(bytes))
    }

    /// Reads a range of an object; it must have all of it.
    pub(super) async fn read_range(
        &self,
        path: &str,
        range: Range<u64>,
    ) -> Result<Bytes, OriginError> {
        let length = range.end.saturating_sub(range.start);
        let found = self.get(path, Some(range)).await?;
        let bytes = found.bytes().await;
        let bytes = bytes.map_err(|error| OriginError::store(path, error))?;
        check_length(path, bytes.len() as u64, length)?;
        Ok(bytes)
    }

    /// Streams a range of an object.
    pub(super) async fn stream(
        &self,
        path: &str,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, object_store::Result<Bytes>>, OriginError> {
        let found = self.get(path, Some(range)).await?;
        Ok(found.into_stream().boxed())
    }

    /// Whether there is an object.
    pub(super) async fn exists(&self, path: &str) -> bool {
        match location(path) {
            Ok(location) => self.inner.head(&location).await.is_ok(),
            Err(_) => false,
        }
    }

    /// The names of the folders in the root.
    pub(super) async fn folders(&self) -> Result<Vec<String>, OriginError> {
        let listed = self.inner.list_with_delimiter(None).await;
        let listed = listed.map_err(|error| OriginError::store("", error))?;
        let names = listed.common_prefixes.iter();
        Ok(names
            .filter_map(|folder| folder.filename().map(str::to_owned))
            .collect())
    }

    async fn get(&self, path: &str, range: Option<Range<u64>>) -> Result<GetResult, OriginError> {
        self.refuse_links_out(path).await?;
        let options = GetOptions {
            range: range.map(GetRange::Bounded),
            ..GetOptions::default()
        };
        let found = self.inner.get_opts(&location(path)?, options).await;
        found.map_err(|error| OriginError::store(path, error))
    }

    async fn refuse_links_out(&self, path: &str) -> Result<(), OriginError> {
        let Some(root) = &self.root else {
            return Ok(());
        };
        match tokio::fs::canonicalize(root.join(path)).await {
            Ok(resolved) if resolved.starts_with(root) => Ok(()),
            _ => Err(OriginError::not_found(path)),
        }
    }
}

/// The path as the store spells it: unchanged, where a conversion would encode other scripts.
fn location(path: &str) -> Result<StorePath, OriginError> {
    StorePath::parse(path).map_err(|_| OriginError::not_found(path))
}

fn check_length(path: &str, got: u64, expected: u64) -> Result<(), OriginError> {
    if got == expected {
        return Ok(());
    }
    let problem = format!("{expected} bytes were expected, the store gave {got}");
    Err(OriginError::damaged(path, problem))
}
