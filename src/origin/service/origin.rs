//! The state that all requests share: titles, catalogue, metrics, and the settings, some of which
//! can be changed while it runs.

use crate::origin::error::OriginError;
use crate::origin::http::headers;
use crate::origin::settings::Settings;
use crate::origin::telemetry::{AccessLog, Metrics};
use crate::origin::titles::{Catalogue, Listing, Store, Titles};
use axum::http::HeaderValue;
use bytes::Bytes;
use object_store::ObjectStore;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// An origin of titles. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Origin {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) titles: Arc<Titles>,
    pub(crate) listing: Arc<Listing>,
    pub(crate) metrics: Arc<Metrics>,
    /// The settings at the start; those that a reload has changed are in `live`.
    pub(crate) settings: Settings,
    live: RwLock<Arc<Live>>,
    stopping: AtomicBool,
}

/// What a reload can change.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) settings: Settings,
    /// `Cache-Control` of manifests.
    pub(crate) changing: HeaderValue,
    pub(crate) alt_svc: Option<HeaderValue>,
    pub(crate) log: Option<AccessLog>,
}

impl Live {
    fn new(settings: Settings, log: Option<AccessLog>) -> Arc<Self> {
        let alt_svc = settings.alt_svc.as_deref();
        Arc::new(Self {
            changing: headers::changing(&settings),
            alt_svc: alt_svc.and_then(|text| HeaderValue::try_from(text).ok()),
            settings,
            log,
        })
    }
}

impl Origin {
    /// An origin of the titles in a local folder: each a folder with a `master.m3u8`. A folder that
    /// is itself a title is served as the only one.
    ///
    /// Fails if the folder is missing, not readable, or a title with an invalid name, and as
    /// [`open`](Self::open) does.
    pub fn local(root: &Path, settings: Settings) -> Result<Self, OriginError> {
        Self::with(Store::local(root)?, settings)
    }

    /// An origin of the titles at a URL: `s3://bucket/prefix`, `file:///folder`, `memory:///`, a
    /// path without a scheme, and with the features `gcs` and `azure` `gs://…` and `az://…`.
    /// Credentials and endpoint of a store come from the environment (`AWS_ACCESS_KEY_ID`, …).
    ///
    /// Fails without such a place, on an unusable setting, or if the access log cannot be opened.
    pub fn open(root: &str, settings: Settings) -> Result<Self, OriginError> {
        Self::with(Store::open(root)?, settings)
    }

    /// An origin of the titles in an object store of your own: the only function of this module with
    /// a type of the crate `object_store` (0.14).
    ///
    /// Fails on an unusable setting, or if the access log cannot be opened.
    pub fn with_store(
        store: Arc<dyn ObjectStore>,
        settings: Settings,
    ) -> Result<Self, OriginError> {
        Self::with(Store::new(store), settings)
    }

    /// Also serves these files of generators' weights from memory. To be called once, at the start.
    #[must_use]
    pub fn with_weights(self, files: Vec<Bytes>) -> Self {
        self.shared.titles.weights.keep(files);
        self
    }

    fn with(store: Store, settings: Settings) -> Result<Self, OriginError> {
        settings.check()?;
        let metrics = Arc::new(Metrics::default());
        let log = open_log(&settings, &metrics)?;
        let titles = Arc::new(Titles::new(store, &settings, &metrics));
        let shared = Arc::new(Shared {
            listing: Arc::new(Listing::new(Arc::clone(&titles), settings.refresh)),
            titles,
            metrics,
            live: RwLock::new(Live::new(settings.clone(), log)),
            settings,
            stopping: AtomicBool::new(false),
        });
        Ok(Self { shared })
    }

    /// The titles that can be played now; while the store fails or is slow, those of the last list.
    ///
    /// Fails if the store cannot be listed and never could.
    pub async fn catalogue(&self) -> Result<Arc<Catalogue>, OriginError> {
        let listed = self.shared.listing.listed().await?;
        Ok(Arc::clone(&listed.catalogue))
    }

    /// Announces the stop: from now on `/readyz` answers 503, and all else as before. `serve` calls it
    /// before it stops to accept; called some seconds earlier, it gives a load balancer time to notice.
    pub fn begin_stop(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Relaxed)
    }

    /// The settings in effect.
    pub(crate) fn live(&self) -> Arc<Live> {
        let live = self.shared.live.read();
        Arc::clone(&live.unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts settings into effect, from the next request on, and reopens the access log. Returns the
    /// keys of settings that differ but take effect at start only.
    ///
    /// Fails, and changes nothing, on an unusable setting, or if the access log cannot be opened.
    pub fn apply(&self, settings: Settings) -> Result<Vec<&'static str>, OriginError> {
        settings.check()?;
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

/// The access log, if one is set.
fn open_log(settings: &Settings, metrics: &Arc<Metrics>) -> Result<Option<AccessLog>, OriginError> {
    let open = |path: &PathBuf| {
        let log = AccessLog::open(path, Arc::clone(metrics));
        log.map_err(|error| OriginError::Log {
            path: path.display().to_string(),
            problem: error.to_string(),
        })
    };
    settings.access_log.as_ref().map(open).transpose()
}
