//! What has been read or made is kept, up to a number of bytes; many who ask for the same thing
//! at once share one read (single flight). Failures are not kept.
//!
//! An entry is charged all the memory that it keeps, so nothing in here may be a slice of something
//! larger.

use super::OriginError;
use super::encoding::Encoding;
use super::layout::Layout;
use super::object::Object;
use super::telemetry::Metrics;
use crate::manifest::Presentation;
use axum::http::HeaderValue;
use equivalent::Equivalent;
use moka::Expiry;
use moka::future::Cache as Moka;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// About what an entry takes beside its bytes: most of it is two maps of fields, the rest its key and
/// the cache's own links.
const OVERHEAD: usize = 2048;

/// Entries from this size on are weighed at once. Others are in batches, by which the cache is larger
/// than it should be for a moment.
const LARGE: u64 = 32 << 10;

/// What an object in the cache is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Place under the root of the file, or URL of what was made.
    path: String,
    part: Part,
    /// Whether it may be kept for good.
    immutable: bool,
}

/// A key as it is looked up: nothing is copied for what is here.
#[derive(Debug, Clone, Copy, Hash)]
pub(super) struct Wanted<'a> {
    pub(super) path: &'a str,
    pub(super) part: &'a Part,
    pub(super) immutable: bool,
}

impl Wanted<'_> {
    fn key(self) -> Key {
        Key {
            path: self.path.to_owned(),
            part: self.part.clone(),
            immutable: self.immutable,
        }
    }
}

impl Equivalent<Key> for Wanted<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.path == key.path && *self.part == key.part && self.immutable == key.immutable
    }
}

/// Which part of a file an object is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Whole,
    /// A block of a version of a large file.
    Block {
        index: u64,
        tag: Option<Arc<str>>,
    },
    /// A segment, counted from 1, or 0 for the init segment.
    Segment(usize),
    Encoded(Encoding),
    /// A manifest as it was a moment ago, whether it was made or read.
    Latest {
        steered: bool,
    },
    /// A manifest that was made.
    Made {
        /// Tag of the title's entry point.
        from: HeaderValue,
        /// Ids of its rungs, unless it names all.
        rungs: Option<String>,
        /// Which weights were on offer.
        weights: u64,
        steered: bool,
    },
}

/// The caches of an origin.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    metrics: Arc<Metrics>,
    objects: Moka<Key, Object>,
    /// What was not there a moment ago.
    absent: Moka<String, ()>,
    /// Files that may change, as they were last.
    last: Moka<String, Object>,
    layouts: Moka<String, Arc<Layout>>,
    presentations: Moka<String, Arc<Presentation>>,
}

impl Cache {
    /// A cache of `bytes` in all, in which what is not immutable lives for `refresh`.
    pub(super) fn new(bytes: u64, refresh: Duration, metrics: &Arc<Metrics>) -> Self {
        let share = bytes / 16;
        Self {
            metrics: Arc::clone(metrics),
            objects: Moka::builder()
                .max_capacity(bytes - 4 * share)
                .weigher(|key: &Key, object: &Object| weight(key.path.len(), object))
                .expire_after(Freshness { refresh })
                .build(),
            absent: Moka::builder()
                .max_capacity(share)
                .weigher(|path: &String, (): &()| (path.len() + 256) as u32)
                .time_to_live(refresh)
                .build(),
            last: Moka::builder()
                .max_capacity(share)
                .weigher(|path: &String, object: &Object| weight(path.len(), object))
                .build(),
            layouts: Moka::builder()
                .max_capacity(share)
                .weigher(|path: &String, layout: &Arc<Layout>| {
                    weight_of(path, layout.media.segments.len())
                })
                .build(),
            presentations: Moka::builder()
                .max_capacity(share)
                .weigher(|path: &String, presentation: &Arc<Presentation>| {
                    let groups = presentation.groups.iter();
                    let rungs = groups.flat_map(|group| &group.representations);
                    weight_of(path, rungs.map(|rung| 4 + rung.segments.len()).sum())
                })
                .build(),
        }
    }

    /// Bytes in use, about.
    pub(super) fn bytes(&self) -> u64 {
        self.objects.weighted_size()
    }

    /// The object that is wanted, from `make` if it is not here. The way through `make` is on the heap,
    /// so that the usual way stays small.
    pub(super) async fn object<M>(
        &self,
        wanted: Wanted<'_>,
        make: impl FnOnce() -> M,
    ) -> Result<Object, OriginError>
    where
        M: Future<Output = Result<Object, OriginError>> + Send,
    {
        if let Some(object) = self.objects.get(&wanted).await {
            self.metrics.hits.inc();
            return Ok(object);
        }
        self.metrics.misses.inc();
        let found = Box::pin(self.objects.try_get_with(wanted.key(), Box::pin(make()))).await;
        let found = found.map_err(Arc::unwrap_or_clone)?;
        if found.size >= LARGE {
            self.objects.run_pending_tasks().await;
        }
        Ok(found)
    }

    /// Whether there was no such file a moment ago.
    pub(super) async fn is_absent(&self, path: &str) -> bool {
        self.absent.get(path).await.is_some()
    }

    /// Notes that there is no such file.
    pub(super) async fn note_absent(&self, path: &str) {
        self.absent.insert(path.to_owned(), ()).await;
    }

    /// A file that may change, as it was last.
    pub(super) async fn last(&self, path: &str) -> Option<Object> {
        self.last.get(path).await
    }

    /// Notes how a file is now; `None` if it is gone.
    pub(super) async fn remember(&self, path: &str, object: Option<&Object>) {
        match object {
            Some(object) => self.last.insert(path.to_owned(), object.clone()).await,
            None => self.last.invalidate(path).await,
        }
    }

    /// Forgets a file that turned out to have been replaced.
    pub(super) async fn forget(&self, path: &str) {
        let wanted = Wanted {
            path,
            part: &Part::Whole,
            immutable: true,
        };
        self.objects.invalidate(&wanted).await;
    }

    /// Where the segments of the rung at `stem` lie, from `make` if that is not known.
    pub(super) async fn layout<M>(
        &self,
        stem: &str,
        make: impl FnOnce() -> M,
    ) -> Result<Arc<Layout>, OriginError>
    where
        M: Future<Output = Result<Arc<Layout>, OriginError>> + Send,
    {
        if let Some(layout) = self.layouts.get(stem).await {
            return Ok(layout);
        }
        let found = Box::pin(self.layouts.try_get_with_by_ref(stem, Box::pin(make()))).await;
        found.map_err(Arc::unwrap_or_clone)
    }

    /// What an edition of a title holds, from `make` if that is not known.
    pub(super) async fn presentation<M>(
        &self,
        edition: String,
        make: impl FnOnce() -> M,
    ) -> Result<Arc<Presentation>, OriginError>
    where
        M: Future<Output = Result<Arc<Presentation>, OriginError>> + Send,
    {
        let found = self.presentations.try_get_with(edition, Box::pin(make()));
        found.await.map_err(Arc::unwrap_or_clone)
    }
}

/// About what a list of segments takes in memory.
fn weight_of(path: &str, segments: usize) -> u32 {
    let each = path.len() + 160;
    u32::try_from(each * (segments + 1)).unwrap_or(u32::MAX)
}

fn weight(path: usize, object: &Object) -> u32 {
    let bytes = object.bytes().map_or(0, bytes::Bytes::len);
    u32::try_from(OVERHEAD + path + bytes).unwrap_or(u32::MAX)
}

/// Lets what may change grow stale; what was put together from it sooner, as that adds up. What is
/// passing is never found again: only those who asked for it at the same time share it.
struct Freshness {
    refresh: Duration,
}

impl Expiry<Key, Object> for Freshness {
    fn expire_after_create(&self, key: &Key, object: &Object, _: Instant) -> Option<Duration> {
        let lives = match key.part {
            Part::Latest { .. } => self.refresh / 4,
            _ => self.refresh,
        };
        if object.passing && key.immutable {
            return Some(Duration::ZERO);
        }
        (!key.immutable).then_some(lives)
    }
}
