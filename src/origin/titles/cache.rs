//! Memory cache of what was read and rendered, bounded in bytes. Simultaneous requests for the same
//! key share one read (single flight). Errors are not cached.
//!
//! An entry is charged all the memory that it keeps alive, so nothing in here may be a slice of a
//! larger buffer.

use super::object::Object;
use super::segment_index::SegmentIndex;
use crate::manifest::Presentation;
use crate::origin::error::{OriginError, Result};
use crate::origin::telemetry::Metrics;
use moka::Expiry;
use moka::future::{Cache as Moka, CacheBuilder};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Approximate bytes of an entry in addition to its content: key, header values, links.
const OVERHEAD: usize = 2048;

/// Entries from this size on are evicted for at once. For smaller ones moka evicts in batches, and
/// the cache exceeds its capacity for a moment.
const LARGE: u64 = 32 << 10;

/// How long an object may be cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// Immutable: until it is evicted.
    Always,
    /// A file that may change: for the refresh time.
    Refresh,
    /// Made from files that may be as old as the refresh time already: for a quarter of it.
    Briefly,
}

/// An object, and when it expires.
#[derive(Debug, Clone)]
struct Entry {
    object: Object,
    lifetime: Option<Duration>,
}

/// The caches of an origin.
#[derive(Debug)]
pub(super) struct Cache {
    metrics: Arc<Metrics>,
    refresh: Duration,
    objects: Moka<String, Entry>,
    /// Paths that were not found a moment ago.
    pub(super) absent: Moka<String, ()>,
    /// The last state of files that may change, for when the store fails.
    pub(super) last: Moka<String, Object>,
    /// Segment indexes, by the path of a rung's files without their suffix.
    pub(super) indexes: Moka<String, Arc<SegmentIndex>>,
    /// Versions of titles.
    pub(super) presentations: Moka<String, Arc<Presentation>>,
}

impl Cache {
    /// A cache of `bytes` in all; what may change is used for `refresh`.
    pub(super) fn new(bytes: u64, refresh: Duration, metrics: &Arc<Metrics>) -> Self {
        let share = bytes / 16;
        let index =
            |path: &String, index: &Arc<SegmentIndex>| weight_of(path, index.media.segments.len());
        let presentation = |path: &String, presentation: &Arc<Presentation>| {
            let groups = presentation.groups.iter();
            let rungs = groups.flat_map(|group| &group.representations);
            weight_of(path, rungs.map(|rung| 4 + rung.segments.len()).sum())
        };
        let objects = bounded(bytes - 4 * share, |key, entry: &Entry| {
            weight(key, &entry.object)
        });
        let absent = bounded(share, |path, (): &()| (path.len() + 256) as u32);
        Self {
            metrics: Arc::clone(metrics),
            refresh,
            objects: objects.expire_after(Lifetime).build(),
            absent: absent.time_to_live(refresh).build(),
            last: bounded(share, |path, object: &Object| weight(path, object)).build(),
            indexes: bounded(share, index).build(),
            presentations: bounded(share, presentation).build(),
        }
    }

    /// Bytes in use, about.
    pub(super) fn bytes(&self) -> u64 {
        self.objects.weighted_size()
    }

    /// The object under `key`, from `make` if it is not cached. Keys are paths, or paths followed
    /// by a line feed, which no path has, and more.
    pub(super) async fn object<M>(
        &self,
        key: &str,
        keep: Keep,
        make: impl FnOnce() -> M,
    ) -> Result<Object>
    where
        M: Future<Output = Result<Object>> + Send,
    {
        if let Some(entry) = self.objects.get(key).await {
            self.metrics.hits.inc();
            return Ok(entry.object);
        }
        self.metrics.misses.inc();
        let made = make();
        // On the heap, so that the futures of hits stay small.
        let made = Box::pin(async {
            let object = made.await?;
            let lifetime = match keep {
                // Only requests of the same moment share it.
                Keep::Always => object.provisional.then_some(Duration::ZERO),
                Keep::Refresh => Some(self.refresh),
                Keep::Briefly => Some(self.refresh / 4),
            };
            Ok(Entry { object, lifetime })
        });
        let found = Box::pin(self.objects.try_get_with_by_ref(key, made)).await;
        let object = found.map_err(Arc::<OriginError>::unwrap_or_clone)?.object;
        if object.size >= LARGE {
            self.objects.run_pending_tasks().await;
        }
        Ok(object)
    }

    /// Drops a file that was found to have been replaced.
    pub(super) async fn forget(&self, path: &str) {
        self.objects.invalidate(path).await;
    }
}

/// The value under `key` of one of the caches, from `make` if it is not there.
pub(super) async fn shared<T: Send + Sync + 'static>(
    cache: &Moka<String, Arc<T>>,
    key: &str,
    make: impl Future<Output = Result<T>> + Send,
) -> Result<Arc<T>> {
    let make = Box::pin(async { make.await.map(Arc::new) });
    let found = cache.try_get_with_by_ref(key, make).await;
    found.map_err(Arc::unwrap_or_clone)
}

/// A cache of so many bytes, as `weigh` counts those of an entry.
fn bounded<V: Clone + Send + Sync + 'static>(
    bytes: u64,
    weigh: impl Fn(&String, &V) -> u32 + Send + Sync + 'static,
) -> CacheBuilder<String, V, Moka<String, V>> {
    Moka::builder().max_capacity(bytes).weigher(weigh)
}

/// About what a list of segments takes in memory.
fn weight_of(path: &str, segments: usize) -> u32 {
    let each = path.len() + 160;
    u32::try_from(each * (segments + 1)).unwrap_or(u32::MAX)
}

fn weight(key: &str, object: &Object) -> u32 {
    let bytes = object.bytes().map_or(0, bytes::Bytes::len);
    u32::try_from(OVERHEAD + key.len() + bytes).unwrap_or(u32::MAX)
}

/// Expires each entry after its own lifetime.
struct Lifetime;

impl Expiry<String, Entry> for Lifetime {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: Instant) -> Option<Duration> {
        entry.lifetime
    }
}
