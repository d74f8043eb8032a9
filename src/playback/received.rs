//! Byte counts of everything but media segments, failed requests included.

use super::cmcd::Kind;
use crate::player::log::Overhead;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that a client has received, by purpose.
#[derive(Debug, Clone, Default)]
pub(super) struct Received {
    manifest: Counter,
    index: Counter,
    init: Counter,
    quality: Counter,
}

/// A shared count.
#[derive(Debug, Clone, Default)]
pub(super) struct Counter(Arc<AtomicU64>);

impl Counter {
    pub(super) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Received {
    /// The counter of this kind. Media segments are counted in the session's log; weights serve other titles,
    /// too.
    pub(super) fn counter(&self, kind: Kind) -> Option<Counter> {
        match kind {
            Kind::Manifest => Some(self.manifest.clone()),
            Kind::Playlist | Kind::Index => Some(self.index.clone()),
            Kind::Init => Some(self.init.clone()),
            Kind::Quality => Some(self.quality.clone()),
            Kind::Video | Kind::Weights => None,
        }
    }

    /// All counts as they are now.
    pub(super) fn overhead(&self) -> Overhead {
        Overhead {
            manifest_bytes: self.manifest.get(),
            index_bytes: self.index.get(),
            init_bytes: self.init.get(),
            quality_bytes: self.quality.get(),
        }
    }
}
