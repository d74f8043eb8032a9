//! What all requests share: the store, the caches, and the settings, some of which can be changed
//! while it runs.

use super::blocks::Turns;
use super::cache::Cache;
use super::listing::Listing;
use super::store::Store;
use super::telemetry::{AccessLog, Metrics};
use super::weights::Weights;
use super::{OriginError, Settings, headers};
use axum::http::HeaderValue;
use bytes::Bytes;
use object_store::ObjectStore;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// An origin: a store of titles with a cache in front. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Origin {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) cache: Cache,
    pub(super) turns: Turns,
    pub(super) listing: Listing,
    pub(super) weights: Weights,
    pub(super) metrics: Arc<Metrics>,
    /// As it was started with; what counts at a request is in `live`.
    pub(super) settings: Settings,
    live: RwLock<Arc<Live>>,
    /// Whether it is about to stop.
    pub(super) stopping: AtomicBool,
}

/// What can be changed while it runs.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) settings: Settings,
    /// `Cache-Control` of what may change.
    pub(super) changing: HeaderValue,
    pub(super) log: Option<AccessLog>,
}

impl Live {
    fn new(settings: Settings, log: Option<AccessLog>) -> Arc<Self> {
        Arc::new(Self {
            changing: headers::changing(&settings),
            settings,
            log,
        })
    }
}

impl Origin {
    /// An origin of the titles in a local folder: each a folder with a `master.m3u8`. A folder that
    /// is itself a title is served as the only one.
    ///
    /// Fails if the folder is missing or not readable, if it is a title whose name cannot be
    /// served, or if the access log cannot be opened.
    pub fn local(root: &Path, settings: Settings) -> Result<Self, OriginError> {
        Self::with(Store::local(root)?, settings)
    }

    /// An origin of the titles at a URL: `s3://bucket/prefix`, `file:///folder`, `memory:///`, a
    /// path without a scheme, and with the features `gcs` and `azure` `gs://…` and `az://…`.
    ///
    /// Fails if there is no such place, or no way to reach it, or if the access log cannot be opened.
    pub fn open(root: &str, settings: Settings) -> Result<Self, OriginError> {
        Self::with(Store::open(root)?, settings)
    }

    /// An origin of the titles in any object store.
    ///
    /// Fails if the access log cannot be opened.
    pub fn new(store: Arc<dyn ObjectStore>, settings: Settings) -> Result<Self, OriginError> {
        Self::with(Store::new(store), settings)
    }

    /// The same origin, which also serves these files of generators' weights from memory. To be
    /// called once, before it serves.
    #[must_use]
    pub fn with_weights(self, files: Vec<Bytes>) -> Self {
        self.shared.weights.keep(files);
        self
    }

    fn with(store: Store, settings: Settings) -> Result<Self, OriginError> {
        let metrics = Arc::new(Metrics::new());
        let log = open_log(&settings, &metrics)?;
        Ok(Self {
            shared: Arc::new(Shared {
                store: store.guarded(settings.store_timeout, &metrics),
                cache: Cache::new(settings.cache_bytes, settings.refresh, &metrics),
                turns: Turns::new(),
                listing: Listing::new(settings.refresh),
                weights: Weights::new(settings.refresh),
                metrics,
                live: RwLock::new(Live::new(settings.clone(), log)),
                settings,
                stopping: AtomicBool::new(false),
            }),
        })
    }

    /// Says that this origin is about to stop: from now on `/readyz` answers 503, and all else as
    /// before. [`serve`](super::serve) does so itself before it stops to accept connections; a load balancer has
    /// time to notice where the program calls this some seconds earlier.
    pub fn begin_stop(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
    }

    /// What counts now.
    pub(super) fn live(&self) -> Arc<Live> {
        let live = self.shared.live.read();
        Arc::clone(&live.unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks something up in what counts now.
    pub(super) fn look<T>(&self, what: impl FnOnce(&Live) -> T) -> T {
        let live = self.shared.live.read();
        what(&live.unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts settings into effect, from the next request on, and opens the access log anew. The
    /// names of settings that differ but count only at the start are returned.
    ///
    /// Fails, and changes nothing, if the access log cannot be opened.
    pub fn apply(&self, settings: Settings) -> Result<Vec<&'static str>, OriginError> {
        let before = self.live();
        let same = before.settings.access_log == settings.access_log;
        let log = match &before.log {
            Some(log) if same => {
                log.reopen();
                Some(log.clone())
            }
            _ => open_log(&settings, &self.shared.metrics)?,
        };
        let fixed = settings.fixed_differences(&self.shared.settings);
        let live = self.shared.live.write();
        *live.unwrap_or_else(PoisonError::into_inner) = Live::new(settings, log);
        Ok(fixed)
    }
}

/// The access log, if there is to be one.
fn open_log(settings: &Settings, metrics: &Arc<Metrics>) -> Result<Option<AccessLog>, OriginError> {
    let Some(path) = &settings.access_log else {
        return Ok(None);
    };
    let log = AccessLog::open(path, Arc::clone(metrics));
    log.map(Some).map_err(|error| OriginError::Log {
        path: path.display().to_string(),
        problem: error.to_string(),
    })
}
