//! Reads from the object store.
//!
//! Every attempt has a time limit, transient errors are retried, and the bytes must be as many as
//! announced. In a local folder, links that lead out of it are treated as absent: nothing outside
//! the root can be read.

use super::folders::{self, Folders};
use super::path::ENTRY;
use crate::manifest::check_title_folder;
use crate::origin::error::OriginError;
use crate::origin::telemetry::Metrics;
use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path as StorePath;
use object_store::prefix::PrefixStore;
use object_store::{
    GetOptions, GetRange, GetResult, GetResultPayload, ListResult, ObjectStore, ObjectStoreExt,
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

/// Prefixes of the environment variables that configure stores, in lower case.
const VENDORS: [&str; 3] = ["aws_", "google_", "azure_"];

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
    guard: Option<Guard>,
    in_flight: Arc<Semaphore>,
}

/// Time limit of each attempt, and where failures are counted.
#[derive(Debug, Clone)]
struct Guard {
    limit: Duration,
    metrics: Arc<Metrics>,
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
    pub(crate) fn local(root: &Path) -> Result<Self, OriginError> {
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
        let inner = inner.map_err(|error| cannot(error.to_string()))?;
        let only = if resolved.join(ENTRY).is_file() {
            Some(name_of(&resolved).map_err(cannot)?)
        } else {
            None
        };
        Ok(Self {
            root: Some(resolved),
            only,
            ..Self::new(Arc::new(inner))
        })
    }

    /// The titles at a URL such as `s3://bucket/prefix`, or in a local folder if it has no scheme.
    /// Credentials and endpoints come from the environment, under the names that the vendors' own
    /// tools use (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, …).
    pub(crate) fn open(root: &str) -> Result<Self, OriginError> {
        if !root.contains("://") {
            return Self::local(Path::new(root));
        }
        let cannot = |problem: String| OriginError::Root {
            root: root.to_owned(),
            problem,
        };
        let url = Url::parse(root).map_err(|error| cannot(error.to_string()))?;
        if url.scheme() == "file" {
            let path = url.to_file_path();
            return Self::local(&path.map_err(|()| cannot("it is no local path".to_owned()))?);
        }
        // TLS needs a provider before its first use; another one may be there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?.to_ascii_lowercase();
            let ours = VENDORS.iter().any(|vendor| name.starts_with(vendor));
            Some((name, value.into_string().ok()?)).filter(|_| ours)
        });
        let (inner, prefix) = object_store::parse_url_opts(&url, variables)
            .map_err(|error| cannot(hint(&url, &error)))?;
        Ok(Self::new(Arc::new(PrefixStore::new(inner, prefix))))
    }

    /// The titles in any other store.
    pub(crate) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            inner,
            root: None,
            only: None,
            guard: None,
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT)),
        }
    }

    /// The same with a time limit for every attempt, retries, and failures counted.
    pub(super) fn guarded(mut self, limit: Duration, metrics: &Arc<Metrics>) -> Self {
        let metrics = Arc::clone(metrics);
        self.guard = Some(Guard { limit, metrics });
        self
    }

    /// Reads an object, whole if it has at most `limit` bytes.
    pub(super) async fn read(&self, path: &str, limit: u64) -> Result<Read, OriginError> {
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
    ) -> Result<Option<Read>, OriginError> {
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
    ) -> Result<Bytes, OriginError> {
        let length = range.end.saturating_sub(range.start);
        self.retried(path, || async {
            let found = self.get(path, part(range.clone(), tag)).await?;
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
    async fn whole(&self, path: &str, found: GetResult, length: u64) -> Result<Bytes, OriginError> {
        let room = length.min(IN_FLIGHT as u64) as u32;
        // The semaphore is never closed.
        let _room = self.in_flight.acquire_many(room).await.ok();
        let in_pieces = matches!(found.payload, GetResultPayload::Stream(_));
        let bytes = found.bytes().await;
        let bytes = bytes.map_err(|error| OriginError::store(path, error))?;
        check_length(path, bytes.len() as u64, length)?;
        // A single piece may be a slice of a larger buffer of the HTTP client.
        Ok(if in_pieces {
            Bytes::copy_from_slice(&bytes)
        } else {
            bytes
        })
    }

    /// Runs `read` within the time limit, and again after a transient error.
    async fn retried<T, F>(&self, path: &str, read: impl Fn() -> F) -> Result<T, OriginError>
    where
        F: Future<Output = Result<T, OriginError>>,
    {
        let Some(guard) = &self.guard else {
            return read().await;
        };
        let mut waits = RETRIES.iter();
        loop {
            let read = tokio::time::timeout(guard.limit, read()).await;
            let error = match read.unwrap_or_else(|_| Err(OriginError::late(path))) {
                Err(error) if error.is_of_store() => error,
                other => return other,
            };
            guard.metrics.store_failed(error.reason());
            match waits.next().filter(|_| error.is_transient()) {
                Some(wait) => tokio::time::sleep(*wait).await,
                None => return Err(error),
            }
        }
    }

    /// Whether an object exists.
    pub(super) async fn exists(&self, path: &str) -> Result<bool, OriginError> {
        let location = self.location(path)?;
        let head = || async {
            let found = self.inner.head(&location).await;
            found.map_err(|error| OriginError::store(path, error))
        };
        match self.retried(path, head).await {
            Ok(_) => Ok(true),
            Err(OriginError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Names of the files in a folder of the root; none if it does not exist.
    pub(super) async fn files(&self, folder: &str) -> Result<Vec<String>, OriginError> {
        if self.only.is_some() {
            return Ok(Vec::new());
        }
        let listed = match self.list(Some(self.location(folder)?)).await {
            Err(OriginError::NotFound { .. }) => return Ok(Vec::new()),
            listed => listed?,
        };
        let names = listed.objects.iter();
        Ok(names
            .filter_map(|object| object.location.filename().map(str::to_owned))
            .collect())
    }

    /// The folders of the root.
    pub(super) async fn folders(&self) -> Result<Folders, OriginError> {
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

    async fn list(&self, folder: Option<StorePath>) -> Result<ListResult, OriginError> {
        let path = folder.as_ref().map_or("", StorePath::as_ref);
        self.retried(path, || async {
            let listed = self.inner.list_with_delimiter(folder.as_ref()).await;
            listed.map_err(|error| OriginError::store(path, error))
        })
        .await
    }

    /// Opens an object; `None` if it has the tag of `if_none_match`.
    async fn get(&self, path: &str, options: GetOptions) -> Result<Option<GetResult>, OriginError> {
        let location = self.location(path)?;
        self.refuse_links_out(path, &location).await?;
        match self.inner.get_opts(&location, options).await {
            Ok(found) => Ok(Some(found)),
            Err(object_store::Error::NotModified { .. }) => Ok(None),
            Err(error) => Err(OriginError::store(path, error)),
        }
    }

    /// The path in the store's type, unchanged: `From` would encode non-ASCII names.
    fn location(&self, path: &str) -> Result<StorePath, OriginError> {
        let within = match &self.only {
            None => Some(path),
            Some(title) => path
                .strip_prefix(title.as_str())
                .and_then(|rest| rest.strip_prefix('/')),
        };
        let location = within.and_then(|path| StorePath::parse(path).ok());
        location.ok_or_else(|| OriginError::not_found(path))
    }

    async fn refuse_links_out(&self, path: &str, location: &StorePath) -> Result<(), OriginError> {
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

/// Explains why a URL cannot be opened.
fn hint(url: &Url, error: &object_store::Error) -> String {
    let (named, feature, built) = match url.scheme() {
        "gs" => ("Google Cloud Storage", "gcs", cfg!(feature = "gcs")),
        "az" | "adl" | "azure" | "abfs" | "abfss" => ("Azure", "azure", cfg!(feature = "azure")),
        "s3" | "s3a" | "memory" => return error.to_string(),
        _ => {
            return format!(
                "{error}; expected a folder or s3://, gs://, az://, file:// or memory:///"
            );
        }
    };
    if !built {
        format!("this program was built without {named}: build it with --features {feature}")
    } else if feature == "azure" {
        format!("{error}; AZURE_STORAGE_ACCOUNT_NAME names the account")
    } else {
        error.to_string()
    }
}

/// A range of one version only: of another, it would not fit the ranges read before.
fn part(range: Range<u64>, tag: Option<&str>) -> GetOptions {
    GetOptions {
        range: Some(GetRange::Bounded(range)),
        if_match: tag.map(str::to_owned),
        ..GetOptions::default()
    }
}

fn check_length(path: &str, got: u64, expected: u64) -> Result<(), OriginError> {
    if got == expected {
        return Ok(());
    }
    let path = path.to_owned();
    Err(OriginError::Length {
        path,
        got,
        expected,
    })
}
