//! Generators' weights: `/weights/SHA256.safetensors`, of any size, immutable.
//!
//! They lie in the folder `weights` of the root, named by the SHA-256 of their content, or in
//! memory. A manifest of a title that names one of these hashes gets a relative URL to it,
//! `../weights/…`, which keeps whatever prefix the manifest was reached through.

use super::object::{BYTES, Object};
use super::path::weights_hash;
use super::store::{PATIENCE, Store};
use crate::manifest::WEIGHTS_FOLDER;
use crate::origin::error::{OriginError, Result};
use crate::segment::hex;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// The list of the folder is used this many times as long as a manifest, as it seldom changes.
const LISTED: u32 = 10;

/// Hashes of the weights that can be fetched here.
#[derive(Debug, Default)]
pub(super) struct Offered(pub(super) BTreeSet<String>);

impl Offered {
    /// Hash of the list.
    pub(super) fn version(&self) -> String {
        let all: Vec<_> = self.0.iter().map(String::as_str).collect();
        hex(&Sha256::digest(all.join(" ")))
    }

    /// The URL of the weights of this hash, relative to a title.
    pub(super) fn url(&self, hash: &str) -> Option<String> {
        self.0.contains(hash).then(|| format!("../{}", path(hash)))
    }
}

/// Weights in memory, and the list of all.
#[derive(Debug)]
pub(crate) struct Weights {
    store: Store,
    memory: OnceLock<BTreeMap<String, Object>>,
    /// How long a list is used.
    listed_for: Duration,
    /// The last list, and when it was asked for.
    last: Mutex<Option<(Instant, Arc<Offered>)>>,
}

impl Weights {
    pub(super) fn new(store: Store, refresh: Duration) -> Self {
        Self {
            store,
            memory: OnceLock::new(),
            listed_for: refresh * LISTED,
            last: Mutex::default(),
        }
    }

    /// Serves these files from memory. Only the first call has an effect.
    pub(crate) fn keep(&self, files: Vec<Bytes>) {
        let object = |bytes: Bytes| (hex(&Sha256::digest(&bytes)), Object::new(bytes, BYTES));
        self.memory
            .get_or_init(|| files.into_iter().map(object).collect());
    }

    /// The weights of this hash, if they are in memory.
    pub(super) fn in_memory(&self, hash: &str) -> Option<&Object> {
        self.memory.get()?.get(hash)
    }

    /// The weights that can be fetched; while the store does not answer, those of the last list, so
    /// that manifests do not change.
    ///
    /// Fails if the store has never answered.
    pub(super) async fn offered(&self) -> Result<Arc<Offered>> {
        // Held meanwhile, so that simultaneous requests share one list.
        let mut last = self.last.lock().await;
        let before = last.clone();
        if let Some((listed, offered)) = &before
            && listed.elapsed() < self.listed_for
        {
            return Ok(Arc::clone(offered));
        }
        let files = timeout(PATIENCE, self.store.files(WEIGHTS_FOLDER)).await;
        let files = files.unwrap_or_else(|_| Err(OriginError::late(WEIGHTS_FOLDER)));
        let offered = match (files, before) {
            (Ok(files), _) => {
                let stored = files.iter().filter_map(|name| weights_hash(name));
                let memory = self.memory.get().into_iter().flat_map(BTreeMap::keys);
                let all = memory.map(String::as_str).chain(stored);
                Arc::new(Offered(all.map(str::to_owned).collect()))
            }
            (Err(error), Some((_, before))) => {
                tracing::warn!("cannot list weights: {error}");
                before
            }
            (Err(error), None) => return Err(error),
        };
        *last = Some((Instant::now(), Arc::clone(&offered)));
        Ok(offered)
    }
}

/// The path of the weights of this hash, relative to the root.
pub(super) fn path(hash: &str) -> String {
    format!("{WEIGHTS_FOLDER}/{hash}.safetensors")
}
