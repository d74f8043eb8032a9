//! The weights of generators: `/weights/SHA256.safetensors`, as large as they are, never changing.
//!
//! They lie in the folder `weights` of the root under the SHA-256 of their content, or in memory.
//! Manifests of titles that name one of these hashes say where it is: `../weights/…`, so that it
//! is reached through whatever prefix the manifest was.

use super::object::Object;
use super::path::weights_hash;
use super::resource::PATIENCE;
use super::{Origin, OriginError};
use crate::manifest::WEIGHTS_FOLDER;
use bytes::Bytes;
use moka::future::Cache as Moka;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// The media type: nothing but bytes.
const TYPE: &str = "application/octet-stream";

/// The list of the folder is used this many times as long as a manifest: it seldom changes.
const LISTED: u32 = 10;

/// Hashes of weights that can be fetched here.
#[derive(Debug, Default)]
pub(super) struct Offered {
    hashes: BTreeSet<String>,
    version: u64,
}

impl Offered {
    fn new(hashes: BTreeSet<String>) -> Self {
        let all: Vec<&str> = hashes.iter().map(String::as_str).collect();
        let digest = Sha256::digest(all.join(" "));
        let version = digest
            .iter()
            .take(8)
            .fold(0, |v, byte| v << 8 | u64::from(*byte));
        Self { hashes, version }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Changes with the list.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Where the weights of this hash are, relative to a title.
    pub(super) fn url(&self, hash: &str) -> Option<String> {
        let here = self.hashes.contains(hash);
        here.then(|| format!("../{WEIGHTS_FOLDER}/{hash}.safetensors"))
    }
}

/// Weights in memory, and the list of all.
#[derive(Debug)]
pub(super) struct Weights {
    memory: OnceLock<BTreeMap<String, Object>>,
    listed: Moka<(), Arc<Offered>>,
    /// What the folder held when the store last answered.
    last: Mutex<Option<Vec<String>>>,
}

impl Weights {
    pub(super) fn new(refresh: Duration) -> Self {
        let listed = Moka::builder().max_capacity(1);
        Self {
            memory: OnceLock::new(),
            listed: listed.time_to_live(refresh * LISTED).build(),
            last: Mutex::default(),
        }
    }

    /// Serves these files from memory. Only the first call counts.
    pub(super) fn keep(&self, files: Vec<Bytes>) {
        let object = |bytes: Bytes| (hex(&Sha256::digest(&bytes)), Object::new(bytes, TYPE));
        self.memory
            .get_or_init(|| files.into_iter().map(object).collect());
    }

    fn in_memory(&self) -> impl Iterator<Item = (&String, &Object)> {
        self.memory.get().into_iter().flatten()
    }
}

impl Origin {
    /// Which weights can be fetched; while the store does not answer, those that it had last, so that
    /// manifests stay as they are.
    ///
    /// Fails if the store has never answered yet.
    pub(super) async fn weights_on_offer(&self) -> Result<Arc<Offered>, OriginError> {
        let listed = &self.shared.weights.listed;
        if let Some(offered) = listed.get(&()).await {
            return Ok(offered);
        }
        let list = async {
            let stored = self.stored_weights().await?;
            let memory = self.shared.weights.in_memory();
            let memory = memory.map(|(hash, _)| hash.clone());
            let stored = stored
                .iter()
                .filter_map(|name| weights_hash(name).map(str::to_owned));
            Ok(Arc::new(Offered::new(memory.chain(stored).collect())))
        };
        let listed = listed.try_get_with((), Box::pin(list)).await;
        listed.map_err(Arc::unwrap_or_clone)
    }

    /// Names of the files in the folder of weights.
    async fn stored_weights(&self) -> Result<Vec<String>, OriginError> {
        let list = self.shared.store.files(WEIGHTS_FOLDER);
        let files = tokio::time::timeout(PATIENCE, list).await;
        let files = files.unwrap_or_else(|_| Err(OriginError::late(WEIGHTS_FOLDER)));
        let last = self.shared.weights.last.lock();
        let mut last = last.unwrap_or_else(PoisonError::into_inner);
        match (files, &*last) {
            (Ok(files), _) => {
                *last = Some(files.clone());
                Ok(files)
            }
            (Err(error), Some(before)) => {
                tracing::warn!("cannot list weights: {error}");
                Ok(before.clone())
            }
            (Err(error), None) => Err(error),
        }
    }

    /// The file of weights of this hash.
    pub(super) async fn weights(&self, hash: &str) -> Result<Object, OriginError> {
        let memory = self.shared.weights.memory.get();
        match memory.and_then(|files| files.get(hash)) {
            Some(object) => Ok(object.clone()),
            None => self.file_of_type(&path(hash), TYPE).await,
        }
    }
}

/// The place under the root of the weights of this hash.
pub(super) fn path(hash: &str) -> String {
    format!("{WEIGHTS_FOLDER}/{hash}.safetensors")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
