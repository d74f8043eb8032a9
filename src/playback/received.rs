//! Bytes that came beside media segments: every one, whatever became of the request.

use super::cmcd::Kind;
use crate::player::log::Overhead;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a client has received, by what it was for.
#[derive(Debug, Clone, Default)]
pub(super) struct Received {
    manifest: Counter,
    index: Counter,
    init: Counter,
    quality: Counter,
}

/// A count that many may add to.
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
    /// Where bytes of this kind count; those of media segments stand in the session's log, and those of
    /// weights serve other titles, too.
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
