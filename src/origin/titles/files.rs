//! Files of titles: read, kept, dated.
//!
//! The date of a file is that of its publication, from the title's `published.json`: all origins
//! that serve a copy of the title send the same, whatever the times of their files.

use super::cache::Keep;
use super::library::Titles;
use super::object::{BLOCK, Modified, Object, Stored, is_text};
use super::path::content_type;
use super::store::PATIENCE;
use crate::manifest::{PUBLISHED, Publication};
use crate::origin::error::{OriginError, Result};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Longest text, and longest file that may change, in bytes.
const LONGEST_WHOLE: u64 = 8 << 20;

/// Longest `published.json`, in bytes.
const LONGEST_PUBLISHED: u64 = 1 << 20;

impl Titles {
    /// A file of the store, whose name tells its type.
    pub(crate) async fn file(&self, path: &str, immutable: bool) -> Result<Object> {
        let kind = content_type(path).ok_or_else(|| OriginError::not_found(path))?;
        if immutable {
            return self.immutable_file(path, kind).await;
        }
        let read = || self.renewed(path, kind);
        self.cache.object(path, Keep::Refresh, read).await
    }

    /// A file of a given type that never changes.
    pub(super) async fn immutable_file(&self, path: &str, kind: &'static str) -> Result<Object> {
        let read = || self.read(path, true, kind);
        self.cache.object(path, Keep::Always, read).await
    }

    /// The text of a file.
    pub(super) async fn text(&self, path: &str, immutable: bool) -> Result<String> {
        let object = self.file(path, immutable).await?;
        text_of(path, object.bytes())
    }

    /// A file that may change as it is now; while the store fails or is slow, as last known.
    async fn renewed(&self, path: &str, kind: &'static str) -> Result<Object> {
        let last = self.cache.last.get(path).await;
        let patience = last.as_ref().map_or(Duration::MAX, |_| PATIENCE);
        let read = timeout(patience, self.read(path, false, kind)).await;
        let read = read.unwrap_or_else(|_| Err(OriginError::late(path)));
        match (read, last) {
            (Err(error), Some(last)) if error.is_of_store() => {
                tracing::warn!("{error}; its last known state is served");
                self.metrics.stale.inc();
                Ok(last)
            }
            (read, _) => {
                match &read {
                    Ok(object) => self.cache.last.insert(path.into(), object.clone()).await,
                    Err(_) => self.cache.last.invalidate(path).await,
                }
                read
            }
        }
    }

    async fn read(&self, path: &str, immutable: bool, kind: &'static str) -> Result<Object> {
        let object = self.undated(path, immutable, kind).await?;
        let modified = self.date(path, &object).await?;
        Ok(Object { modified, ..object })
    }

    /// A file as the store has it now, without its date.
    async fn undated(&self, path: &str, immutable: bool, kind: &'static str) -> Result<Object> {
        if self.cache.absent.contains_key(path) {
            return Err(OriginError::not_found(path));
        }
        let in_blocks = immutable && !is_text(kind);
        let limit = if in_blocks { BLOCK } else { LONGEST_WHOLE };
        let read = self.store.read(path, limit).await;
        if let Err(OriginError::NotFound { .. }) = read {
            self.cache.absent.insert(path.into(), ()).await;
        }
        let read = read?;
        match read.bytes {
            Some(bytes) => Ok(Object::hashed(bytes, kind).await),
            None if immutable => {
                let stored = Stored {
                    path: path.into(),
                    tag: read.tag.map(Arc::from),
                    file_size: read.size,
                    start: 0,
                };
                Ok(Object::stored(path, read.size, kind, stored))
            }
            None => {
                let problem = format!("{} bytes are too many outside a hash folder", read.size);
                Err(OriginError::damaged(path, problem))
            }
        }
    }

    /// The date of `object`, if its title tells one.
    ///
    /// Fails if the store does: without its date, it would differ from what other origins serve.
    async fn date(&self, path: &str, object: &Object) -> Result<Option<Modified>> {
        let place = path.split_once('/').filter(|(_, name)| *name != PUBLISHED);
        let Some((title, name)) = place else {
            return Ok(None);
        };
        let published = format!("{title}/{PUBLISHED}");
        let recent = self.recent_publication(&published).await?;
        let seconds = match name.split_once('/') {
            None => recent.and_then(|recent| recent.file(name, object.digest())),
            Some((version, _)) => match recent.and_then(|recent| recent.edition(version)) {
                Some(seconds) => Some(seconds),
                // A version may be requested as soon as a manifest names it.
                None => {
                    let newest = self.newest_publication(&published).await?;
                    newest.and_then(|newest| newest.edition(version))
                }
            },
        };
        Ok(seconds.and_then(Modified::at))
    }

    /// `published.json` as it was within the refresh time.
    async fn recent_publication(&self, path: &str) -> Result<Option<Publication>> {
        let read = || self.undated(path, false, "application/json");
        match self.cache.object(path, Keep::Refresh, read).await {
            Ok(object) => Ok(object.bytes().and_then(|bytes| Publication::read(bytes))),
            Err(error) if error.is_of_store() => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// `published.json` as it is now.
    pub(super) async fn newest_publication(&self, path: &str) -> Result<Option<Publication>> {
        match self.store.read(path, LONGEST_PUBLISHED).await {
            Ok(read) => Ok(read.bytes.and_then(|bytes| Publication::read(&bytes))),
            Err(OriginError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The text of a manifest; `bytes` is `None` if it is too large to be one.
pub(super) fn text_of(path: &str, bytes: Option<&Bytes>) -> Result<String> {
    let bytes =
        bytes.ok_or_else(|| OriginError::damaged(path, "it is too large for a manifest"))?;
    let text = String::from_utf8(bytes.to_vec());
    text.map_err(|_| OriginError::damaged(path, "it is not UTF-8"))
}
