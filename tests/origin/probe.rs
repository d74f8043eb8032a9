//! A store that counts reads, with faults on demand.

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// How the store answers reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Works,
    Fails,
    /// Does not answer until the mode changes.
    Hangs,
    /// Fails once, then works.
    FailsOnce,
    /// Breaks off in the middle of the bytes.
    Truncates,
    /// Sends half of the bytes and then nothing, without an end.
    Stalls,
    /// Promises a byte more than it has.
    WrongLength,
    /// Says that every version but the one being read is gone (over HTTP only).
    Changes,
}

/// A local folder behind a probe.
#[derive(Debug)]
pub(crate) struct Probe {
    inner: LocalFileSystem,
    mode: watch::Sender<Mode>,
    reads: Mutex<HashMap<String, usize>>,
    /// Number of requests of any kind.
    pub(crate) requests: AtomicUsize,
    /// Duration of a request.
    delay: Duration,
    /// An object that cannot be read.
    broken: Mutex<Option<String>>,
}

impl Probe {
    pub(crate) fn new(root: &std::path::Path) -> Arc<Self> {
        Self::slow(root, Duration::ZERO)
    }

    /// One whose every request takes at least so long.
    pub(crate) fn slow(root: &std::path::Path, delay: Duration) -> Arc<Self> {
        Arc::new(Self {
            inner: LocalFileSystem::new_with_prefix(root).unwrap(),
            mode: watch::Sender::new(Mode::Works),
            reads: Mutex::default(),
            requests: AtomicUsize::new(0),
            delay,
            broken: Mutex::default(),
        })
    }

    /// Makes reads of one object fail, or of none.
    pub(crate) fn break_only(&self, path: Option<&str>) {
        *self.broken.lock().unwrap() = path.map(str::to_owned);
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// The number of reads of `path`.
    pub(crate) fn reads(&self, path: &str) -> usize {
        self.reads.lock().unwrap().get(path).copied().unwrap_or(0)
    }

    async fn pass(&self, path: &str) -> Result<()> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
        if self.broken.lock().unwrap().as_deref() == Some(path) {
            return Err(failure());
        }
        let mut mode = self.mode.subscribe();
        let now = *mode.wait_for(|mode| *mode != Mode::Hangs).await.unwrap();
        if now == Mode::FailsOnce {
            self.set(Mode::Works);
        }
        match now {
            Mode::Fails | Mode::FailsOnce => Err(failure()),
            _ => Ok(()),
        }
    }
}

fn failure() -> Error {
    let (store, source) = ("probe", "fault on demand: secret-host-7".into());
    Error::Generic { store, source }
}

fn spoilt(mut found: GetResult, mode: Mode) -> GetResult {
    if mode == Mode::WrongLength {
        found.meta.size += 1;
    }
    if !matches!(mode, Mode::Truncates | Mode::Stalls) {
        return found;
    }
    let half = (found.range.end - found.range.start) as usize / 2;
    let (meta, range) = (found.meta.clone(), found.range.clone());
    let attributes = found.attributes.clone();
    let whole = async move { found.bytes().await.map(|bytes| bytes.slice(..half)) };
    let pieces = futures_util::stream::once(whole);
    let pieces = match mode {
        Mode::Stalls => pieces.chain(futures_util::stream::pending()).boxed(),
        _ => pieces.boxed(),
    };
    GetResult {
        payload: GetResultPayload::Stream(pieces),
        meta,
        range,
        attributes,
        extensions: Default::default(),
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("probe")
    }
}

/// Counts and spoils reads, passes on the rest.
#[async_trait]
impl ObjectStore for Probe {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if !options.head {
            let mut reads = self.reads.lock().unwrap();
            *reads.entry(location.to_string()).or_default() += 1;
        }
        self.pass(location.as_ref()).await?;
        let mode = *self.mode.borrow();
        Ok(spoilt(self.inner.get_opts(location, options).await?, mode))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.pass("").await?;
        self.inner.list_with_delimiter(prefix).await
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn put_opts(&self, to: &Path, bytes: PutPayload, how: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(to, bytes, how).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        how: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(to, how).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, how: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, how).await
    }
}
