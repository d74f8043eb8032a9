//! Reads from the object store, and the errors that they end in.
//!
//! The store is anything behind `object_store`'s trait, named by a URL. Every read has a time
//! limit and is tried again a few times; what comes must be as long as was promised. For a local
//! folder, links that lead out of it are treated as absent: nothing beyond the root can be read.

use super::OriginError;
use super::telemetry::Metrics;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path as StorePath;
use object_store::prefix::PrefixStore;
use object_store::{GetOptions, GetRange, GetResult, ListResult, ObjectStore, ObjectStoreExt};
use std::future::Future;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How long to wait before each further try.
const AGAIN: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(250)];

/// How variables that matter to stores begin, in lower case.
const VENDORS: [&str; 3] = ["aws_", "google_", "azure_"];

/// A read-only view of the titles.
#[derive(Debug, Clone)]
pub(super) struct Store {
    inner: Arc<dyn ObjectStore>,
    /// The resolved root of a local folder.
    root: Option<PathBuf>,
    guard: Option<Guard>,
}

/// Bytes as the store gives them.
type Pieces = BoxStream<'static, object_store::Result<Bytes>>;

/// What watches over reads.
#[derive(Debug, Clone)]
struct Guard {
    limit: Duration,
    metrics: Arc<Metrics>,
}

/// An object that was asked for.
pub(super) struct Read {
    /// `None` if it is larger than was wanted.
    pub(super) bytes: Option<Bytes>,
    /// In bytes.
    pub(super) size: u64,
    /// The store's own tag of this version.
    pub(super) tag: Option<String>,
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
            guard: None,
        })
    }

    /// The titles at a URL such as `s3://bucket/prefix`, or in a local folder if it has no scheme.
    /// Credentials and endpoints come from the environment, under the names that the vendors' own
    /// tools use (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, …).
    pub(super) fn open(root: &str) -> Result<Self, OriginError> {
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

    /// Any other store.
    pub(super) fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self {
            inner,
            root: None,
            guard: None,
        }
    }

    /// The same with a time limit for every try to read, and failures counted.
    pub(super) fn guarded(mut self, limit: Duration, metrics: &Arc<Metrics>) -> Self {
        let metrics = Arc::clone(metrics);
        self.guard = Some(Guard { limit, metrics });
        self
    }

    /// Reads an object, whole if it has at most `limit` bytes.
    pub(super) async fn read(&self, path: &str, limit: u64) -> Result<Read, OriginError> {
        self.tried(path, || async {
            let found = self.get(path, GetOptions::default()).await?;
            let size = found.meta.size;
            let mut read = Read {
                bytes: None,
                size,
                tag: found.meta.e_tag.clone(),
            };
            if size <= limit {
                read.bytes = Some(whole(path, found, size).await?);
            }
            Ok(read)
        })
        .await
    }

    /// Reads a range of the version `tag` of an object; it must have all of it.
    pub(super) async fn read_range(
        &self,
        path: &str,
        range: Range<u64>,
        tag: Option<String>,
    ) -> Result<Bytes, OriginError> {
        let length = range.end.saturating_sub(range.start);
        self.tried(path, || async {
            let found = self.get(path, part(range.clone(), tag.clone())).await?;
            whole(path, found, length).await
        })
        .await
    }

    /// Streams a range of the version `tag` of an object. Each piece must come within the limit.
    pub(super) async fn stream(
        &self,
        path: &str,
        range: Range<u64>,
        tag: Option<String>,
    ) -> Result<BoxStream<'static, Result<Bytes, OriginError>>, OriginError> {
        let open = || self.get(path, part(range.clone(), tag.clone()));
        let pieces = self.tried(path, open).await?.into_stream();
        let (path, guard) = (path.to_owned(), self.guard.clone());
        let limit = guard.as_ref().map_or(Duration::MAX, |guard| guard.limit);
        let next = move |(mut pieces, path): (Pieces, String)| {
            let guard = guard.clone();
            async move {
                let piece = match tokio::time::timeout(limit, pieces.next()).await {
                    Ok(piece) => piece?.map_err(|error| OriginError::store(&path, error)),
                    Err(_) => Err(OriginError::late(&path)),
                };
                if let (Err(error), Some(guard)) = (&piece, guard) {
                    guard.metrics.store_failed(error.reason());
                }
                Some((piece, (pieces, path)))
            }
        };
        Ok(futures_util::stream::unfold((pieces, path), next).boxed())
    }

    /// Does something within the time limit, again if the store fails.
    async fn tried<T, F>(&self, path: &str, read: impl Fn() -> F) -> Result<T, OriginError>
    where
        F: Future<Output = Result<T, OriginError>>,
    {
        let Some(guard) = &self.guard else {
            return read().await;
        };
        let mut waits = AGAIN.iter();
        loop {
            let read = tokio::time::timeout(guard.limit, read()).await;
            let error = match read.unwrap_or_else(|_| Err(OriginError::late(path))) {
                Err(error) if error.is_of_store() => error,
                other => return other,
            };
            guard.metrics.store_failed(error.reason());
            match waits.next().filter(|_| error.may_pass()) {
                Some(wait) => tokio::time::sleep(*wait).await,
                None => return Err(error),
            }
        }
    }

    /// Whether there is an object.
    pub(super) async fn exists(&self, path: &str) -> bool {
        match location(path) {
            Ok(location) => {
                let head = || async {
                    let found = self.inner.head(&location).await;
                    found.map_err(|error| OriginError::store(path, error))
                };
                self.tried(path, head).await.is_ok()
            }
            Err(_) => false,
        }
    }

    /// The names of the files in a folder; none if there is no such folder.
    pub(super) async fn files(&self, folder: &str) -> Result<Vec<String>, OriginError> {
        let listed = match self.list(Some(location(folder)?)).await {
            Err(OriginError::NotFound { .. }) => return Ok(Vec::new()),
            listed => listed?,
        };
        let names = listed.objects.iter();
        Ok(names
            .filter_map(|object| object.location.filename().map(str::to_owned))
            .collect())
    }

    /// The names of the folders in the root.
    pub(super) async fn folders(&self) -> Result<Vec<String>, OriginError> {
        let listed = self.list(None).await?;
        let names = listed.common_prefixes.iter();
        Ok(names
            .filter_map(|folder| folder.filename().map(str::to_owned))
            .collect())
    }

    async fn list(&self, folder: Option<StorePath>) -> Result<ListResult, OriginError> {
        let path = folder.as_ref().map_or("", StorePath::as_ref);
        self.tried(path, || async {
            let listed = self.inner.list_with_delimiter(folder.as_ref()).await;
            listed.map_err(|error| OriginError::store(path, error))
        })
        .await
    }

    async fn get(&self, path: &str, options: GetOptions) -> Result<GetResult, OriginError> {
        self.refuse_links_out(path).await?;
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

/// What a URL that names no store lacks.
fn hint(url: &Url, error: &object_store::Error) -> String {
    let (named, feature) = match url.scheme() {
        "gs" => ("Google Cloud Storage", "gcs"),
        "az" | "adl" | "azure" | "abfs" | "abfss" => ("Azure", "azure"),
        "s3" | "s3a" | "memory" => return error.to_string(),
        _ => {
            return format!(
                "{error}; expected a folder or s3://, gs://, az://, file:// or memory:///"
            );
        }
    };
    let built = match feature {
        "gcs" => cfg!(feature = "gcs"),
        _ => cfg!(feature = "azure"),
    };
    match built {
        true if feature == "azure" => {
            format!("{error}; AZURE_STORAGE_ACCOUNT_NAME names the account")
        }
        true => error.to_string(),
        false => {
            format!("this program was built without {named}: build it with --features {feature}")
        }
    }
}

/// The path as the store spells it: unchanged, where a conversion would encode other scripts.
fn location(path: &str) -> Result<StorePath, OriginError> {
    StorePath::parse(path).map_err(|_| OriginError::not_found(path))
}

/// A range of one version only: of another, it would not fit what was read before.
fn part(range: Range<u64>, tag: Option<String>) -> GetOptions {
    GetOptions {
        range: Some(GetRange::Bounded(range)),
        if_match: tag,
        ..GetOptions::default()
    }
}

async fn whole(path: &str, found: GetResult, length: u64) -> Result<Bytes, OriginError> {
    let bytes = found.bytes().await;
    let bytes = bytes.map_err(|error| OriginError::store(path, error))?;
    check_length(path, bytes.len() as u64, length)?;
    Ok(bytes)
}

fn check_length(path: &str, got: u64, expected: u64) -> Result<(), OriginError> {
    match got == expected {
        true => Ok(()),
        false => Err(OriginError::Length {
            path: path.to_owned(),
            got,
            expected,
        }),
    }
}
