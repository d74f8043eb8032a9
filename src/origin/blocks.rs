//! Files larger than a block: read in aligned blocks, each of which is kept in the cache by itself,
//! and sent as they are read.
//!
//! Whatever range a client asks for, no more than a block is read at once for it, ranges that
//! overlap share what is kept, and all answers together hold a limited number of blocks: further
//! ones wait for their turn. (nginx calls this `slice`.)

use super::cache::{Part, Wanted};
use super::object::{Object, Stored};
use super::{Origin, OriginError};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use std::ops::Range;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of a block. What is not larger is read and kept whole.
pub(super) const BLOCK: u64 = 256 << 10;

/// Blocks that all answers together may hold: 128 MiB.
const HELD: usize = 512;

/// Turns to hold a block while it is being sent.
#[derive(Debug, Clone)]
pub(super) struct Turns(Arc<Semaphore>);

impl Turns {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(HELD)))
    }
}

/// A piece of a block that may be sent, and its turn.
struct Piece {
    bytes: Bytes,
    turn: Option<OwnedSemaphorePermit>,
}

/// An answer that is being sent.
struct Sending {
    origin: Origin,
    stored: Stored,
    /// What is still to be read.
    rest: Range<u64>,
    /// The piece that has been read already.
    ready: Option<Piece>,
    /// The turn of the piece that is being sent.
    turn: Option<OwnedSemaphorePermit>,
}

impl Origin {
    /// A range of at most a block of what is stored, copied into memory of its own.
    pub(super) async fn copied(
        &self,
        stored: &Stored,
        range: Range<u64>,
    ) -> Result<Bytes, OriginError> {
        let mut copy = BytesMut::with_capacity((range.end - range.start) as usize);
        let mut at = range.start;
        while at < range.end {
            let bytes = self.within_block(stored, at..range.end).await?;
            copy.extend_from_slice(&bytes);
            at += bytes.len() as u64;
        }
        Ok(copy.freeze())
    }

    /// A range of what is stored, block by block. The first one is read before this returns, so a
    /// store that fails is answered as such.
    pub(super) async fn streamed(
        &self,
        stored: &Stored,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes, OriginError>> + Send + use<>, OriginError> {
        let first = self.piece(stored, range.clone()).await?;
        let sending = Sending {
            origin: self.clone(),
            stored: stored.clone(),
            rest: range.start + first.bytes.len() as u64..range.end,
            ready: Some(first),
            turn: None,
        };
        Ok(stream::unfold(sending, Sending::next))
    }

    async fn piece(&self, stored: &Stored, range: Range<u64>) -> Result<Piece, OriginError> {
        let turns = Arc::clone(&self.shared.turns.0);
        // The semaphore is never closed.
        let turn = turns.acquire_owned().await.ok();
        let bytes = self.within_block(stored, range).await?;
        Ok(Piece { bytes, turn })
    }

    /// The first bytes of a range, as far as its first block goes; at least one.
    async fn within_block(&self, stored: &Stored, range: Range<u64>) -> Result<Bytes, OriginError> {
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

    /// A block of the file, from the cache or the store.
    async fn block(&self, stored: &Stored, index: u64) -> Result<Bytes, OriginError> {
        let tag = stored.tag.clone();
        let wanted = Wanted {
            path: &stored.path,
            part: &Part::Block { index, tag },
            immutable: true,
        };
        let start = index * BLOCK;
        let range = start..(start + BLOCK).min(stored.file_size);
        let read = || async {
            let store = &self.shared.store;
            let (size, tag) = (stored.file_size, stored.tag.as_deref());
            let read = store.read_range(&stored.path, range, size, tag).await;
            if let Err(OriginError::Changed { .. }) = read {
                self.shared.cache.forget(&stored.path).await;
            }
            Ok(Object::block(read?))
        };
        let block = self.shared.cache.object(wanted, read).await?;
        Ok(block.bytes().cloned().unwrap_or_default())
    }
}

impl Sending {
    /// The next piece. The one before has been taken by the connection, and its turn is over.
    async fn next(mut self) -> Option<(Result<Bytes, OriginError>, Self)> {
        self.turn = None;
        if let Some(Piece { bytes, turn }) = self.ready.take() {
            self.turn = turn;
            return Some((Ok(bytes), self));
        }
        if self.rest.is_empty() {
            return None;
        }
        let piece = self.origin.piece(&self.stored, self.rest.clone()).await;
        let bytes = match piece {
            Ok(Piece { bytes, turn }) => {
                self.rest.start += bytes.len() as u64;
                self.turn = turn;
                Ok(bytes)
            }
            Err(error) => {
                self.rest = 0..0;
                Err(error)
            }
        };
        Some((bytes, self))
    }
}
