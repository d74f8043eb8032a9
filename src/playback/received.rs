//! Byte counts of everything but media segments, failed requests included.

use super::cmcd::Kind;
use crate::player::log::Overhead;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that a client and its clones have received.
#[derive(Debug, Clone, Default)]
pub(super) struct Received(Arc<Mutex<Overhead>>);

impl Received {
    pub(super) fn add(&self, kind: Kind, bytes: usize) {
        let mut counts = self.counts();
        let count = match kind {
            Kind::Manifest => &mut counts.manifest_bytes,
            Kind::Playlist | Kind::Index => &mut counts.index_bytes,
            Kind::Init => &mut counts.init_bytes,
            Kind::Quality => &mut counts.quality_bytes,
            // Segments are counted in the session's log; weights serve other titles, too.
            Kind::Video | Kind::Weights => return,
        };
        *count += bytes as u64;
    }

    pub(super) fn counts(&self) -> MutexGuard<'_, Overhead> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
