//! A store that counts reads, and fails in one way or another when told to.

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
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
    /// Says that every version but the one being read is gone.
    Changes,
}

/// A local folder behind a probe.
#[derive(Debug)]
pub(crate) struct Probe {
    inner: LocalFileSystem,
    mode: watch::Sender<Mode>,
    reads: Mutex<HashMap<String, usize>>,
    /// Requests of any kind.
    requests: AtomicUsize,
    /// How long each takes at least.
    delay: Duration,
    /// The one object that cannot be read.
    broken: Mutex<Option<String>>,
}

impl Probe {
    pub(crate) fn new(root: &std::path::Path) -> Arc<Self> {
        Self::slow(root, Duration::ZERO)
    }

    /// One whose every request takes so long.
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

    /// Fails for one object only, or for none.
    pub(crate) fn break_only(&self, path: Option<&str>) {
        *self.broken.lock().unwrap() = path.map(str::to_owned);
    }

    /// How many requests there were.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// How often `path` has been read.
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
    Error::Generic {
        store: "probe",
        source: "told to fail: secret-host-7".into(),
    }
}

async fn spoilt(found: GetResult, mode: Mode) -> Result<GetResult> {
    if !matches!(mode, Mode::Truncates | Mode::Stalls | Mode::WrongLength) {
        return Ok(found);
    }
    let (mut meta, range) = (found.meta.clone(), found.range.clone());
    let attributes = found.attributes.clone();
    let mut bytes = found.bytes().await?;
    match mode {
        Mode::Truncates | Mode::Stalls => bytes.truncate(bytes.len() / 2),
        _ => meta.size += 1,
    }
    let pieces = futures_util::stream::iter([Ok(bytes)]);
    let pieces = match mode {
        Mode::Stalls => pieces.chain(futures_util::stream::pending()).boxed(),
        _ => pieces.boxed(),
    };
    Ok(GetResult {
        payload: GetResultPayload::Stream(pieces),
        meta,
        range,
        attributes,
        extensions: Default::default(),
    })
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "probe")
    }
}

/// Only what an origin may use works: it never writes.
impl ObjectStore for Probe {
    fn get_opts<'a, 'b, 'f>(
        &'a self,
        location: &'b Path,
        options: GetOptions,
    ) -> BoxFuture<'f, Result<GetResult>>
    where
        'a: 'f,
        'b: 'f,
    {
        if !options.head {
            let mut reads = self.reads.lock().unwrap();
            *reads.entry(location.to_string()).or_default() += 1;
        }
        Box::pin(async move {
            self.pass(location.as_ref()).await?;
            let mode = *self.mode.borrow();
            if mode == Mode::Changes && options.if_match.is_some() {
                return Err(Error::Precondition {
                    path: location.to_string(),
                    source: "another version".into(),
                });
            }
            let found = self.inner.get_opts(location, options).await?;
            spoilt(found, mode).await
        })
    }

    fn list_with_delimiter<'a, 'b, 'f>(
        &'a self,
        prefix: Option<&'b Path>,
    ) -> BoxFuture<'f, Result<ListResult>>
    where
        'a: 'f,
        'b: 'f,
    {
        Box::pin(async move {
            self.pass("").await?;
            self.inner.list_with_delimiter(prefix).await
        })
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn put_opts<'a, 'b, 'f>(
        &'a self,
        _: &'b Path,
        _: PutPayload,
        _: PutOptions,
    ) -> BoxFuture<'f, Result<PutResult>>
    where
        'a: 'f,
        'b: 'f,
    {
        Box::pin(async {
            Err(Error::NotImplemented {
                operation: "put".into(),
                implementer: "probe".into(),
            })
        })
    }

    fn put_multipart_opts<'a, 'b, 'f>(
        &'a self,
        _: &'b Path,
        _: PutMultipartOptions,
    ) -> BoxFuture<'f, Result<Box<dyn MultipartUpload>>>
    where
        'a: 'f,
        'b: 'f,
    {
        Box::pin(async {
            Err(Error::NotImplemented {
                operation: "put".into(),
                implementer: "probe".into(),
            })
        })
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        locations
    }

    fn copy_opts<'a, 'b, 'c, 'f>(
        &'a self,
        _: &'b Path,
        _: &'c Path,
        _: CopyOptions,
    ) -> BoxFuture<'f, Result<()>>
    where
        'a: 'f,
        'b: 'f,
        'c: 'f,
    {
        Box::pin(async {
            Err(Error::NotImplemented {
                operation: "copy".into(),
                implementer: "probe".into(),
            })
        })
    }
}
