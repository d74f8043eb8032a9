//! Generators' weights: `/weights/SHA256.safetensors`, of any size, immutable.
//!
//! They lie in the folder `weights` of the root, named by the SHA-256 of their content, or in
//! memory. A manifest of a title that names one of these hashes gets a relative URL to it,
//! `../weights/…`, which keeps whatever prefix the manifest was reached through.

use super::object::Object;
use super::path::weights_hash;
use super::store::{PATIENCE, Store};
use crate::manifest::WEIGHTS_FOLDER;
use crate::origin::error::OriginError;
use crate::segment::hex;
use bytes::Bytes;
use moka::future::Cache as Moka;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// The media type: nothing but bytes.
pub(super) const TYPE: &str = "application/octet-stream";

/// The list of the folder is used this many times as long as a manifest, as it seldom changes.
const LISTED: u32 = 10;

/// Hashes of the weights that can be fetched here.
#[derive(Debug, Default)]
pub(super) struct Offered(BTreeSet<String>);

impl Offered {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hash of the list.
    pub(super) fn version(&self) -> String {
        let all: Vec<&str> = self.0.iter().map(String::as_str).collect();
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
    offered: Moka<(), Arc<Offered>>,
    /// The folder's files as last listed.
    last: Mutex<Option<Vec<String>>>,
}

impl Weights {
    pub(super) fn new(store: Store, refresh: Duration) -> Self {
        let offered = Moka::builder().max_capacity(1);
        Self {
            store,
            memory: OnceLock::new(),
            offered: offered.time_to_live(refresh * LISTED).build(),
            last: Mutex::default(),
        }
    }

    /// Serves these files from memory. Only the first call has an effect.
    pub(crate) fn keep(&self, files: Vec<Bytes>) {
        let object = |bytes: Bytes| (hex(&Sha256::digest(&bytes)), Object::new(bytes, TYPE));
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
    pub(super) async fn offered(&self) -> Result<Arc<Offered>, OriginError> {
        let list = async {
            let stored = self.stored().await?;
            let stored = stored.iter().filter_map(|name| weights_hash(name));
            let memory = self.memory.get().into_iter().flat_map(BTreeMap::keys);
            let all = memory.map(String::as_str).chain(stored);
            Ok(Arc::new(Offered(all.map(str::to_owned).collect())))
        };
        let offered = self.offered.try_get_with((), Box::pin(list)).await;
        offered.map_err(Arc::unwrap_or_clone)
    }

    /// Names of the files in the folder.
    async fn stored(&self) -> Result<Vec<String>, OriginError> {
        let files = tokio::time::timeout(PATIENCE, self.store.files(WEIGHTS_FOLDER)).await;
        let files = files.unwrap_or_else(|_| Err(OriginError::late(WEIGHTS_FOLDER)));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match (files, &*last) {
            (Err(error), Some(before)) => {
                tracing::warn!("cannot list weights: {error}");
                Ok(before.clone())
            }
            (files, _) => {
                *last = files.as_ref().ok().cloned();
                files
            }
        }
    }
}

/// The path of the weights of this hash, relative to the root.
pub(super) fn path(hash: &str) -> String {
    format!("{WEIGHTS_FOLDER}/{hash}.safetensors")
}
