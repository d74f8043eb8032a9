//! A body on its way: how far it is, how long it may be, and how long it is waited for.

use super::error::FetchError;
use super::http::{LONGEST, broken, timed_out};
use super::received::Counter;
use bytes::Bytes;
use reqwest::{Response, Url};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// A body must bring this many bytes in the time that it is waited for, or its end: one that trickles
/// is as good as one that stands still.
const LEAST_BYTES: u64 = 256;

/// What waiting for more of a body brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pull {
    /// More bytes.
    More,
    /// Nothing yet.
    Quiet,
    /// The end.
    End,
}

/// A body on its way.
#[derive(Debug)]
pub(super) struct Body {
    url: Url,
    source: Source,
    expected: Option<u64>,
    received: Vec<u8>,
    patience: Duration,
    /// Since when it is waited for in vain.
    quiet: Option<Instant>,
    /// How long the last bytes, fewer than [`LEAST_BYTES`], were waited for, and how many came before.
    trickle: (Duration, u64),
    /// Where its bytes count, too.
    counter: Option<Counter>,
}

/// Where a body comes from.
#[derive(Debug)]
pub(super) enum Source {
    Http(Response),
    /// All of it, until it is taken.
    File(Option<Bytes>),
}

impl Source {
    async fn chunk(&mut self) -> reqwest::Result<Option<Bytes>> {
        match self {
            Self::Http(response) => response.chunk().await,
            Self::File(bytes) => Ok(bytes.take()),
        }
    }
}

impl Body {
    /// A body from `url`, of `expected` bytes if that is known, that may pause for `patience`.
    pub(super) fn new(
        url: &Url,
        source: Source,
        expected: Option<u64>,
        patience: Duration,
    ) -> Self {
        Self {
            url: url.clone(),
            source,
            expected,
            received: Vec::with_capacity(expected.unwrap_or(0).min(1 << 20) as usize),
            patience,
            quiet: None,
            trickle: (Duration::ZERO, 0),
            counter: None,
        }
    }

    /// This body, whose bytes are added to `counter` as they come.
    pub(super) fn counted(self, counter: Option<Counter>) -> Self {
        Self { counter, ..self }
    }

    /// Where it comes from.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Bytes that the whole will have, where that is known.
    pub(super) fn expected(&self) -> Option<u64> {
        self.expected
    }

    /// Bytes received so far.
    pub(super) fn received(&self) -> u64 {
        self.received.len() as u64
    }

    /// What has been received so far.
    pub(super) fn so_far(&self) -> &[u8] {
        &self.received
    }

    /// Takes what arrives next, waiting no longer than `wait`. Fails when it was waited for longer
    /// than patience allows. A wait may be broken off and begun anew.
    pub(super) async fn pull_for(&mut self, wait: Duration) -> Result<Pull, FetchError> {
        // Dropping `chunk` half way loses nothing: a piece is taken whole or not at all.
        let since = *self.quiet.get_or_insert_with(Instant::now);
        let Ok(chunk) = timeout(wait, self.source.chunk()).await else {
            return if since.elapsed() < self.patience {
                Ok(Pull::Quiet)
            } else {
                Err(timed_out(&self.url, "more of the body", self.patience))
            };
        };
        self.quiet = None;
        match chunk {
            Ok(None) => Ok(Pull::End),
            Ok(Some(bytes)) => {
                let limit = self.expected.unwrap_or(LONGEST);
                if self.received() + bytes.len() as u64 > limit {
                    let url = self.url.to_string();
                    return Err(FetchError::TooLong { url, limit });
                }
                self.received.extend_from_slice(&bytes);
                if let Some(counter) = &self.counter {
                    counter.add(bytes.len());
                }
                self.check_pace(since.elapsed())?;
                Ok(Pull::More)
            }
            Err(error) => Err(self.truncated().unwrap_or_else(|| broken(&self.url, error))),
        }
    }

    /// Fails when `waited` for next to nothing makes it longer than patience allows.
    fn check_pace(&mut self, waited: Duration) -> Result<(), FetchError> {
        let (before, from) = self.trickle;
        if self.received() - from >= LEAST_BYTES {
            self.trickle = (Duration::ZERO, self.received());
            return Ok(());
        }
        self.trickle.0 = before + waited;
        if self.trickle.0 < self.patience || Some(self.received()) == self.expected {
            return Ok(());
        }
        let awaited = "more than a trickle of the body";
        Err(timed_out(&self.url, awaited, self.patience))
    }

    /// Takes what arrives next; `false` at the end.
    pub(super) async fn pull(&mut self) -> Result<bool, FetchError> {
        loop {
            match self.pull_for(self.patience).await? {
                Pull::More => return Ok(true),
                Pull::End => return Ok(false),
                Pull::Quiet => {}
            }
        }
    }

    /// The bytes, if all have come.
    pub(super) fn finish(self) -> Result<Vec<u8>, FetchError> {
        match self.truncated() {
            Some(error) => Err(error),
            None => Ok(self.received),
        }
    }

    fn truncated(&self) -> Option<FetchError> {
        let (expected, received) = (self.expected?, self.received());
        let url = self.url.to_string();
        (received < expected).then_some(FetchError::Truncated {
            url,
            expected,
            received,
        })
    }
}
