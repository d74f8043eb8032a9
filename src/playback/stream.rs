//! One group of a title, ready to be played.

use super::cmcd::Fetch;
use super::error::{AnswerProblem, FetchError};
use super::http::Client;
use super::indexes::{Source, named};
use super::resolve::resolve;
use crate::manifest::{Group, QualityReport};
use crate::player::cmcd::Kind;
use crate::player::index::Index;
use crate::player::ladder::Ladder;
use crate::player::utility::{Utility, UtilityError};
use bytes::Bytes;
use reqwest::Url;
use std::sync::Arc;

/// One group of a title, as far as it was known when it was opened.
#[derive(Debug, Clone)]
pub struct Stream {
    pub(super) source: Source,
    pub(super) quality_url: Option<String>,
    pub(super) index: Index,
    pub(super) ladder: Arc<Ladder>,
}

impl Stream {
    /// The manifest's URL.
    pub fn url(&self) -> &str {
        self.source.url.as_str()
    }

    /// What the manifest says about the group, with the segments that are known.
    pub fn group(&self) -> Group {
        self.index.group()
    }

    /// The group as the session sees it, to begin with.
    pub fn ladder(&self) -> &Arc<Ladder> {
        &self.ladder
    }

    /// The init segment of a rung of the ladder, or of a layer. The lowest is always here; of a long
    /// title the others come when they are needed, and every [`Segment`](super::Segment) brings its own.
    pub fn init(&self, rung: usize) -> Option<&Bytes> {
        self.index.init(rung)
    }

    /// The last segment up to `segment` with which decoding can begin, as far as it is known.
    pub fn access_point(&self, segment: usize) -> usize {
        self.index.access_point(segment)
    }

    /// Whether decoding can begin with every segment.
    pub fn is_independent(&self) -> bool {
        self.index.is_independent()
    }

    /// This stream with all of its indexes and init segments, however long it is, and a ladder of real
    /// sizes and rates.
    pub async fn complete(mut self, client: &Client) -> Result<Self, FetchError> {
        if !self.index.is_complete() {
            let index = &mut self.index;
            let all = self.source.fetch_index(client, index, Index::lacks_of_all);
            all.await?;
            let ladder = self.index.first_ladder();
            let ladder = ladder.map_err(|error| named(&self.source.url, error))?;
            self.ladder = Arc::new(ladder);
        }
        Ok(self)
    }

    /// The title's `quality.json`, if the manifest names one.
    pub async fn quality(&self, client: &Client) -> Result<Option<QualityReport>, FetchError> {
        let Some(reference) = &self.quality_url else {
            return Ok(None);
        };
        let url = resolve(&self.source.url, reference)?;
        let fetch = Fetch::of(&url, None, &self.source.content, Kind::Quality);
        let answer = client.get(&fetch).await?;
        let report = serde_json::from_slice(&answer.bytes);
        Ok(Some(report.map_err(|error| unusable(&url, error))?))
    }

    /// This stream with utilities of the given kind; the title's `quality.json` is fetched when they
    /// are measured.
    pub async fn with_utility(
        mut self,
        client: &Client,
        kind: Utility,
    ) -> Result<Self, FetchError> {
        let url = match &self.quality_url {
            Some(reference) => resolve(&self.source.url, reference)?,
            None => self.source.url.clone(),
        };
        let report = match kind.is_measured() {
            true => self.quality(client).await?,
            false => None,
        };
        let ladder = (*self.ladder).clone().with_utility(kind, report.as_ref());
        let ladder = ladder.map_err(|error: UtilityError| unusable(&url, error))?;
        self.ladder = Arc::new(ladder);
        Ok(self)
    }
}

fn unusable(url: &Url, source: impl std::error::Error + Send + Sync + 'static) -> FetchError {
    AnswerProblem::Quality(Box::new(source)).at(url)
}
