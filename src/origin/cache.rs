//! What has been read or made is kept, up to a number of bytes; many who ask for the same thing
//! at once share one read (single flight). Failures are not kept.

use super::OriginError;
use super::encoding::Encoding;
use super::object::Object;
use crate::manifest::hls::Media;
use moka::Expiry;
use moka::future::Cache as Moka;
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What an object in the cache is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// Place under the root of the file, or URL of what was made.
    pub(super) path: String,
    pub(super) part: Part,
    /// Whether it may be kept for good.
    pub(super) immutable: bool,
}

/// Which part of a file an object is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Whole,
    Range(Range<u64>),
    Encoded(Encoding),
}

/// The caches of an origin.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    objects: Moka<Key, Object>,
    layouts: Moka<String, Arc<Media>>,
}

impl Cache {
    /// A cache of about `bytes`, in which what is not immutable lives for `refresh`.
    pub(super) fn new(bytes: u64, refresh: Duration) -> Self {
        Self {
            objects: Moka::builder()
                .max_capacity(bytes)
                .weigher(weigh)
                .expire_after(Freshness { refresh })
                .build(),
            layouts: Moka::builder()
                .max_capacity(bytes / 16)
                .weigher(|path: &String, media: &Arc<Media>| {
                    let each = path.len() + 160;
                    u32::try_from(each * (media.segments.len() + 1)).unwrap_or(u32::MAX)
                })
                .build(),
        }
    }

    /// The object of `key`, from `make` if it is not here. The way through `make` is on the heap,
    /// so that the usual way stays small.
    pub(super) async fn object<M>(
        &self,
        key: Key,
        make: impl FnOnce() -> M,
    ) -> Result<Object, OriginError>
    where
        M: Future<Output = Result<Object, OriginError>> + Send,
    {
        if let Some(object) = self.objects.get(&key).await {
            return Ok(object);
        }
        let found = Box::pin(self.objects.try_get_with(key, Box::pin(make()))).await;
        found.map_err(Arc::unwrap_or_clone)
    }

    /// Where the segments of the rung at `stem` lie, from `make` if that is not known.
    pub(super) async fn layout<M>(
        &self,
        stem: &str,
        make: impl FnOnce() -> M,
    ) -> Result<Arc<Media>, OriginError>
    where
        M: Future<Output = Result<Arc<Media>, OriginError>> + Send,
    {
        if let Some(layout) = self.layouts.get(stem).await {
            return Ok(layout);
        }
        let found = Box::pin(self.layouts.try_get_with_by_ref(stem, Box::pin(make()))).await;
        found.map_err(Arc::unwrap_or_clone)
    }
}

fn weigh(key: &Key, object: &Object) -> u32 {
    const OVERHEAD: usize = 256;
    let bytes = object.bytes().map_or(0, bytes::Bytes::len);
    u32::try_from(OVERHEAD + key.path.len() + bytes).unwrap_or(u32::MAX)
}

/// Lets what may change grow stale.
struct Freshness {
    refresh: Duration,
}

impl Expiry<Key, Object> for Freshness {
    fn expire_after_create(&self, key: &Key, _: &Object, _: Instant) -> Option<Duration> {
        (!key.immutable).then_some(self.refresh)
    }
}
