//! Reads from the object store.
//!
//! Every attempt has a time limit, transient errors are retried, and the bytes must be as many as
//! announced. In a local folder, links that lead out of it are treated as absent: nothing outside
//! the root can be read.

use super::folders::{self, Folders};
use super::path::ENTRY;
use crate::manifest::check_title_folder;
use crate::origin::error::{OriginError, Result};
use crate::origin::telemetry::Metrics;
use crate::store;
use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path as StorePath;
use object_store::{
    GetOptions, GetRange, GetResult, GetResultPayload, ListResult, ObjectMeta, ObjectStore,
};
use std::ffi::OsStr;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use url::Url;

/// How long the store may take before the last known state is used, where there is one.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Delays before each retry.
const RETRIES: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// Bytes of all reads in progress; further reads wait.
const IN_FLIGHT: usize = 64 << 20;

/// A read-only view of the titles.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    inner: Arc<dyn ObjectStore>,
    /// The resolved root of a local folder.
    root: Option<PathBuf>,
    /// The name of the one title, if the root is not a folder of titles but itself one.
    only: Option<String>,
    /// Time limit of each attempt.
    pub(super) limit: Duration,
    /// Counts failures.
    pub(super) metrics: Arc<Metrics>,
    in_flight: Arc<Semaphore>,
}

/// An object that was read.
pub(super) struct Read {
    /// `None` if it is larger than the limit.
    pub(super) bytes: Option<Bytes>,
    /// In bytes.
    pub(super) size: u64,
    /// The store's own tag of this version.
    pub(super) tag: Option<String>,
}

impl Store {
    /// The titles in a local folder, which must exist; if it is itself a title, that one.
    pub(crate) fn local(root: &Path) -> Result<Self> {
        let cannot = |problem: String| OriginError::root(root.display().to_string(), problem);
        let failed = |error: io::Error| cannot(error.to_string());
        let resolved = root.canonicalize().map_err(failed)?;
        if !resolved.is_dir() {
            return Err(cannot("it is not a folder".to_owned()));
        }
        let inner = LocalFileSystem::new_with_prefix(&resolved);
        let inner = inner.map_err(|error| cannot(error.to_string()))?;
        let is_title = resolved.join(ENTRY).is_file();
        let only = is_title.then(|| name_of(&resolved).map_err(cannot));
        let only = only.transpose()?;
        Ok(Self {
            root: Some(resolved),
            only,
            ..Self::new(Arc::new(inner))
        })
    }

    /// The titles at a URL such as `s3://bucket/prefix`, or in a local folder if it has no scheme.
    /// Credentials and endpoints come from the environment (`AWS_ACCESS_KEY_ID`, …).
    pub(crate) fn open(root: &str) -> Result<Self> {
        if !store::is_url(root) {
            return Self::local(Path::new(root));
        }
        let url = Url::parse(root).ok();
        let inner: Arc<dyn ObjectStore> = match (url.as_ref().map(Url::scheme), &url) {
            (Some("file"), Some(url)) => {
                let path = url.to_file_path();
                let path = path.map_err(|()| OriginError::root(root, "it is no local path"))?;
                return Self::local(&path);
            }
            (Some("memory"), _) => Arc::new(InMemory::new()),
            _ => store::open(root).map_err(|error| OriginError::root(root, error.problem))?,
        };
        Ok(Self::new(inner))
    }

    /// The titles in any other store.
    pub(crate) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            inner,
            root: None,
            only: None,
            limit: Duration::MAX,
            metrics: Arc::default(),
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT)),
        }
    }

    /// Reads an object, whole if it has at most `limit` bytes.
    pub(super) async fn read(&self, path: &str, limit: u64) -> Result<Read> {
        let read = self.read_unless(path, limit, None).await?;
        // Without a tag every version is read.
        read.ok_or_else(|| OriginError::not_found(path))
    }

    /// The same, or `None` if it still has this tag.
    pub(super) async fn read_unless(
        &self,
        path: &str,
        limit: u64,
        tag: Option<&str>,
    ) -> Result<Option<Read>> {
        self.retried(path, || async {
            let options = GetOptions {
                if_none_match: tag.map(str::to_owned),
                ..GetOptions::default()
            };
            let Some(found) = self.get(path, options).await? else {
                return Ok(None);
            };
            let size = found.meta.size;
            let mut read = Read {
                bytes: None,
                size,
                tag: found.meta.e_tag.clone(),
            };
            if size <= limit {
                read.bytes = Some(self.whole(path, found, size).await?);
            }
            Ok(Some(read))
        })
        .await
    }

    /// Reads a range of the version `tag` of an object of `size` bytes; it must have all of it.
    pub(super) async fn read_range(
        &self,
        path: &str,
        range: Range<u64>,
        size: u64,
        tag: Option<&str>,
    ) -> Result<Bytes> {
        let length = range.end - range.start;
        self.retried(path, || async {
            // Of one version only: ranges of another would not fit those read before.
            let options = GetOptions {
                range: Some(GetRange::Bounded(range.clone())),
                if_match: tag.map(str::to_owned),
                ..GetOptions::default()
            };
            let found = self.get(path, options).await?;
            let found = found.ok_or_else(|| OriginError::not_found(path))?;
            // Not every store has tags.
            if found.meta.size != size {
                let path = path.to_owned();
                return Err(OriginError::Changed { path });
            }
            self.whole(path, found, length).await
        })
        .await
    }

    /// The content of an object, in memory of its own.
    async fn whole(&self, path: &str, found: GetResult, length: u64) -> Result<Bytes> {
        let room = length.min(IN_FLIGHT as u64) as u32;
        // The semaphore is never closed.
        let _room = self.in_flight.acquire_many(room).await.ok();
        let in_pieces = matches!(found.payload, GetResultPayload::Stream(_));
        let bytes = found.bytes().await;
        let bytes = bytes.map_err(|error| OriginError::store(path, error))?;
        let got = bytes.len() as u64;
        if got != length {
            return Err(OriginError::Length {
                path: path.to_owned(),
                got,
                expected: length,
            });
        }
        // A single piece may be a slice of a larger buffer of the HTTP client.
        Ok(if in_pieces {
            Bytes::copy_from_slice(&bytes)
        } else {
            bytes
        })
    }

    /// Runs `read` within the time limit, and again after a transient error.
    async fn retried<T, F>(&self, path: &str, read: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut waits = RETRIES.iter();
        loop {
            let read = tokio::time::timeout(self.limit, read()).await;
            let error = match read.unwrap_or_else(|_| Err(OriginError::late(path))) {
                Err(error) if error.is_of_store() => error,
                other => return other,
            };
            self.metrics.store_failed(error.reason());
            match waits.next().filter(|_| error.is_transient()) {
                Some(wait) => tokio::time::sleep(*wait).await,
                None => return Err(error),
            }
        }
    }

    /// Whether an object exists.
    pub(super) async fn exists(&self, path: &str) -> Result<bool> {
        let head = || GetOptions {
            head: true,
            ..GetOptions::default()
        };
        match self.retried(path, || self.get(path, head())).await {
            Ok(_) => Ok(true),
            Err(OriginError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Names of the files in a folder of the root; none if it does not exist.
    pub(super) async fn files(&self, folder: &str) -> Result<Vec<String>> {
        if self.only.is_some() {
            return Ok(Vec::new());
        }
        let listed = match self.list(Some(self.location(folder)?)).await {
            Err(OriginError::NotFound { .. }) => return Ok(Vec::new()),
            listed => listed?,
        };
        let names = listed.objects.iter();
        let name = |object: &ObjectMeta| object.location.filename().map(str::to_owned);
        Ok(names.filter_map(name).collect())
    }

    /// The folders of the root.
    pub(super) async fn folders(&self) -> Result<Folders> {
        match (&self.only, &self.root) {
            (Some(title), _) => Ok(Folders {
                names: vec![title.clone()],
                skipped: Vec::new(),
            }),
            (None, Some(root)) => {
                let list = || async {
                    let root = root.clone();
                    let listed = spawn_blocking(move || folders::local(&root)).await;
                    let listed = listed.unwrap_or_else(|error| Err(io::Error::other(error)));
                    listed.map_err(|error| OriginError::io("", error))
                };
                self.retried("", list).await
            }
            (None, None) => Ok(folders::listed(&self.list(None).await?)),
        }
    }

    async fn list(&self, folder: Option<StorePath>) -> Result<ListResult> {
        let path = folder.as_ref().map_or("", StorePath::as_ref);
        self.retried(path, || async {
            let listed = self.inner.list_with_delimiter(folder.as_ref()).await;
            listed.map_err(|error| OriginError::store(path, error))
        })
        .await
    }

    /// Opens an object; `None` if it has the tag of `if_none_match`.
    async fn get(&self, path: &str, options: GetOptions) -> Result<Option<GetResult>> {
        let location = self.location(path)?;
        self.refuse_links_out(path, &location).await?;
        match self.inner.get_opts(&location, options).await {
            Ok(found) => Ok(Some(found)),
            Err(object_store::Error::NotModified { .. }) => Ok(None),
            Err(error) => Err(OriginError::store(path, error)),
        }
    }

    /// The path in the store's type, unchanged: `From` would encode non-ASCII names.
    fn location(&self, path: &str) -> Result<StorePath> {
        let within = match (&self.only, path.split_once('/')) {
            (None, _) => Some(path),
            (Some(title), Some((first, rest))) if title == first => Some(rest),
            _ => None,
        };
        let location = within.and_then(|path| StorePath::parse(path).ok());
        location.ok_or_else(|| OriginError::not_found(path))
    }

    async fn refuse_links_out(&self, path: &str, location: &StorePath) -> Result<()> {
        let Some(root) = &self.root else {
            return Ok(());
        };
        match tokio::fs::canonicalize(root.join(location.as_ref())).await {
            Ok(resolved) if resolved.starts_with(root) => Ok(()),
            Ok(_) => Err(OriginError::not_found(path)),
            Err(error) => Err(OriginError::io(path, error)),
        }
    }
}

/// The name of the title in a folder.
fn name_of(title: &Path) -> Result<String, String> {
    check_title_folder(title).map_err(|error| error.to_string())?;
    let name = title.file_name().and_then(OsStr::to_str);
    name.map(str::to_owned)
        .ok_or_else(|| "a title needs a folder with a name".to_owned())
}
