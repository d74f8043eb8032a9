//! The body of an answer while it is received: progress, byte counts, length limit, time-out.

use super::error::{AnswerProblem, FetchError};
use super::resolve::LONGEST;
use crate::player::cmcd::Kind;
use crate::player::log::Overhead;
use bytes::Bytes;
use reqwest::{Response, Url};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Bytes that must arrive within the time-out, unless the body ends: a trickle counts as a stall.
const LEAST_BYTES: u64 = 256;

/// Bytes that a client and its clones have received for everything but media segments, failed requests
/// included.
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pull {
    More,
    Quiet,
    End,
}

#[derive(Debug)]
pub(super) struct Body {
    url: Url,
    source: Source,
    expected: Option<u64>,
    received: Vec<u8>,
    patience: Duration,
    /// Start of the present wait.
    quiet: Option<Instant>,
    /// Time that the last bytes, fewer than [`LEAST_BYTES`], took, and the count before them.
    trickle: (Duration, u64),
    /// Totals that its bytes are added to.
    totals: (Received, Kind),
}

#[derive(Debug)]
pub(super) enum Source {
    Http(Response),
    /// The whole file, until it is taken.
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
    /// A body from `url` of `expected` bytes, if known, which may pause for `patience`.
    pub(super) fn new(
        url: &Url,
        source: Source,
        expected: Option<u64>,
        patience: Duration,
        totals: (Received, Kind),
    ) -> Self {
        Self {
            url: url.clone(),
            source,
            expected,
            received: Vec::with_capacity(expected.unwrap_or(0).min(1 << 20) as usize),
            patience,
            quiet: None,
            trickle: (Duration::ZERO, 0),
            totals,
        }
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn expected(&self) -> Option<u64> {
        self.expected
    }

    pub(super) fn received(&self) -> u64 {
        self.received.len() as u64
    }

    pub(super) fn so_far(&self) -> &[u8] {
        &self.received
    }

    /// Receives the next bytes, waiting at most `wait`. Fails once the waits in a row exceed the
    /// time-out. The future may be dropped and called again.
    pub(super) async fn pull_for(&mut self, wait: Duration) -> Result<Pull, FetchError> {
        // `chunk` is cancel safe: a dropped call loses no bytes.
        let since = *self.quiet.get_or_insert_with(Instant::now);
        let Ok(chunk) = timeout(wait, self.source.chunk()).await else {
            if since.elapsed() < self.patience {
                return Ok(Pull::Quiet);
            }
            return Err(self.timed_out("more of the body"));
        };
        self.quiet = None;
        match chunk {
            Ok(None) => Ok(Pull::End),
            Ok(Some(bytes)) => {
                let limit = self.expected.unwrap_or(LONGEST);
                if self.received() + bytes.len() as u64 > limit {
                    return Err(AnswerProblem::TooLong(limit).at(&self.url));
                }
                self.received.extend_from_slice(&bytes);
                let (totals, kind) = &self.totals;
                totals.add(*kind, bytes.len());
                self.check_pace(since.elapsed())?;
                Ok(Pull::More)
            }
            Err(error) => {
                let truncated = self.truncated();
                Err(truncated.unwrap_or_else(|| AnswerProblem::broken(error).at(&self.url)))
            }
        }
    }

    /// Fails if the body trickles: too few bytes within the time-out, `waited` for the last ones.
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
        Err(self.timed_out("more than a trickle of the body"))
    }

    fn timed_out(&self, awaited: &'static str) -> FetchError {
        AnswerProblem::timed_out(awaited, self.patience).at(&self.url)
    }

    /// Receives the next bytes; `false` at the end.
    pub(super) async fn pull(&mut self) -> Result<bool, FetchError> {
        loop {
            let pull = self.pull_for(self.patience).await?;
            if pull != Pull::Quiet {
                return Ok(pull == Pull::More);
            }
        }
    }

    /// All bytes. Fails if the body ended early.
    pub(super) fn finish(self) -> Result<Vec<u8>, FetchError> {
        self.truncated().map_or(Ok(self.received), Err)
    }

    fn truncated(&self) -> Option<FetchError> {
        let (expected, received) = (self.expected?, self.received());
        let problem = AnswerProblem::Truncated { expected, received };
        (received < expected).then(|| problem.at(&self.url))
    }
}
