//! The titles of a root: its store, with a cache in front.

use super::cache::Cache;
use super::object::BLOCK;
use super::store::Store;
use super::weights::Weights;
use crate::origin::settings::Settings;
use crate::origin::telemetry::Metrics;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The titles of a root.
#[derive(Debug)]
pub(crate) struct Titles {
    pub(super) store: Store,
    pub(super) cache: Cache,
    pub(crate) weights: Weights,
    pub(super) metrics: Arc<Metrics>,
    /// A permit for each block that a response in flight may hold.
    pub(super) blocks: Arc<Semaphore>,
}

impl Titles {
    /// The titles in `store`.
    pub(crate) fn new(mut store: Store, settings: &Settings, metrics: &Arc<Metrics>) -> Self {
        store.limit = settings.store_timeout;
        store.metrics = Arc::clone(metrics);
        let blocks = settings.in_flight_bytes.div_ceil(BLOCK).max(1);
        let blocks = usize::try_from(blocks).unwrap_or(usize::MAX);
        Self {
            weights: Weights::new(store.clone(), settings.refresh),
            cache: Cache::new(settings.cache_bytes, settings.refresh, metrics),
            blocks: Arc::new(Semaphore::new(blocks.min(Semaphore::MAX_PERMITS))),
            metrics: Arc::clone(metrics),
            store,
        }
    }

    /// Bytes that the cache uses, about.
    pub(crate) fn cached_bytes(&self) -> u64 {
        self.cache.bytes()
    }
}
