//! Files larger than a block: read in aligned blocks, each cached by itself, and sent block by
//! block.
//!
//! Whatever range a client requests, at most one block is read ahead for it, overlapping ranges
//! share cached blocks, and all responses in flight together hold a limited number of blocks:
//! further ones wait for a permit. (The technique of nginx's `slice` module.)

use super::cache::Keep;
use super::library::Titles;
use super::object::{BLOCK, Object, Stored};
use crate::origin::error::{OriginError, Result};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// The part of a range that lies in one block, and the permit to hold it.
type Piece = (Bytes, Option<OwnedSemaphorePermit>);

impl Titles {
    /// A range of at most a block, copied into memory of its own.
    pub(super) async fn copied(&self, stored: &Stored, range: Range<u64>) -> Result<Bytes> {
        let mut copy = BytesMut::with_capacity((range.end - range.start) as usize);
        let mut at = range.start;
        while at < range.end {
            let bytes = self.within_block(stored, at..range.end).await?;
            copy.extend_from_slice(&bytes);
            at += bytes.len() as u64;
        }
        Ok(copy.freeze())
    }

    /// A range, block by block. The first block is read before this returns, so that a store that
    /// fails still determines the status.
    pub(crate) async fn streamed(
        self: Arc<Self>,
        stored: Stored,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        let first = self.piece(&stored, range.clone()).await?;
        let rest = range.start + first.0.len() as u64..range.end;
        let state = (self, stored, rest, Some(first), None);
        Ok(stream::try_unfold(state, |state| async move {
            let (titles, stored, mut rest, first, permit) = state;
            // The connection has taken the piece before.
            drop::<Option<OwnedSemaphorePermit>>(permit);
            let (bytes, permit) = match first {
                Some(first) => first,
                None if rest.is_empty() => return Ok(None),
                None => {
                    let piece = titles.piece(&stored, rest.clone()).await?;
                    rest.start += piece.0.len() as u64;
                    piece
                }
            };
            Ok(Some((bytes, (titles, stored, rest, None, permit))))
        }))
    }

    async fn piece(&self, stored: &Stored, range: Range<u64>) -> Result<Piece> {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.blocks).acquire_owned().await.ok();
        let bytes = self.within_block(stored, range).await?;
        Ok((bytes, permit))
    }

    /// The first bytes of a range, up to the end of its first block; at least one.
    async fn within_block(&self, stored: &Stored, range: Range<u64>) -> Result<Bytes> {
        let (start, end) = (stored.start + range.start, stored.start + range.end);
        let index = start / BLOCK;
        let block = self.block(stored, index).await?;
        let from = (start - index * BLOCK) as usize;
        let to = (end - index * BLOCK).min(block.len() as u64) as usize;
        if from >= to {
            let problem = format!("it has no bytes {start}-{end}");
            return Err(OriginError::damaged(&*stored.path, problem));
        }
        Ok(block.slice(from..to))
    }

    /// Block `index` of the file.
    async fn block(&self, stored: &Stored, index: u64) -> Result<Bytes> {
        let (size, tag) = (stored.file_size, stored.tag.as_deref());
        let range = index * BLOCK..((index + 1) * BLOCK).min(size);
        let read = || async {
            let read = self.store.read_range(&stored.path, range, size, tag).await;
            if let Err(OriginError::Changed { .. }) = read {
                self.cache.forget(&stored.path).await;
            }
            Ok(Object::block(read?))
        };
        let key = format!("{}\n{index} of {}", stored.path, tag.unwrap_or(""));
        let block = self.cache.object(&key, Keep::Always, read).await?;
        Ok(block.bytes().cloned().unwrap_or_default())
    }
}
