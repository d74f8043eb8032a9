//! One group of a title, ready to be played.

use super::cmcd::{Content, Kind};
use super::error::FetchError;
use super::http::{Client, Purpose};
use super::lists::Lists;
use super::prepare::fetch_lists;
use super::resolve::resolve;
use crate::manifest::{Group, QualityReport};
use crate::player::ladder::Ladder;
use crate::player::utility::{Utility, UtilityError};
use crate::segment::media::read_partial;
use crate::time::MediaTime;
use bytes::Bytes;
use reqwest::Url;
use std::sync::Arc;

/// One group of a title, as far as it was known when it was opened.
#[derive(Debug, Clone)]
pub struct Stream {
    url: Url,
    content: Content,
    quality_url: Option<String>,
    lists: Lists,
    ladder: Arc<Ladder>,
}

impl Stream {
    /// What the manifest (its URL, and what CMCD calls it) says of a group.
    pub(super) fn new(
        (url, content): (Url, Content),
        quality_url: Option<String>,
        lists: Lists,
        ladder: Ladder,
    ) -> Self {
        Self {
            url,
            content,
            quality_url,
            lists,
            ladder: Arc::new(ladder),
        }
    }

    /// The manifest's URL.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// What the manifest says about the group, with the segments that are known.
    pub fn group(&self) -> Group {
        self.lists.group()
    }

    /// The group as the session sees it, to begin with.
    pub fn ladder(&self) -> &Arc<Ladder> {
        &self.ladder
    }

    /// The init segment of a rung of the ladder, or of a layer. The lowest is always here; of a long
    /// title the others come when they are needed, and every [`Segment`](super::Segment) brings its own.
    pub fn init(&self, rung: usize) -> Option<&Bytes> {
        self.lists.init(rung)
    }

    /// The last segment up to `segment` with which decoding can begin, as far as it is known.
    pub fn access_point(&self, segment: usize) -> usize {
        self.lists.access_point(segment)
    }

    /// Whether decoding can begin with every segment.
    pub fn is_independent(&self) -> bool {
        self.lists.is_independent()
    }

    /// This stream with all of its indexes and init segments, however long it is, and a ladder of real
    /// sizes and rates.
    pub async fn complete(mut self, client: &Client) -> Result<Self, FetchError> {
        if !self.lists.is_complete() {
            let everything = self.lists.everything();
            fetch_lists(client, &self.content, &mut self.lists, everything).await?;
            self.ladder = Arc::new(self.lists.whole_ladder()?);
        }
        Ok(self)
    }

    /// The title's `quality.json`, if the manifest names one.
    pub async fn quality(&self, client: &Client) -> Result<Option<QualityReport>, FetchError> {
        let Some(reference) = &self.quality_url else {
            return Ok(None);
        };
        let url = resolve(&self.url, reference)?;
        let purpose = Purpose::of(&self.content, Kind::Quality);
        let answer = client.get(&url, None, &purpose).await?;
        let report =
            serde_json::from_slice(&answer.bytes).map_err(|error| unusable(&url, error))?;
        Ok(Some(report))
    }

    /// This stream with utilities of the given kind; the title's `quality.json` is fetched when they
    /// are measured.
    pub async fn with_utility(
        mut self,
        client: &Client,
        kind: Utility,
    ) -> Result<Self, FetchError> {
        let url = match &self.quality_url {
            Some(reference) => resolve(&self.url, reference)?,
            None => self.url.clone(),
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

    /// What is played, as CMCD names it.
    pub(super) fn content(&self) -> &Content {
        &self.content
    }

    /// What was known of the rungs when the stream was opened.
    pub(super) fn lists(&self) -> &Lists {
        &self.lists
    }

    /// How much of a segment its first bytes play, seconds; `None` until they tell. A first sample
    /// alone is a single frame, and not worth a switch.
    pub(super) fn playable_s(&self, first: &[u8]) -> Option<f64> {
        let part = read_partial(first).ok()?;
        let ticks = part.samples.iter().map(|sample| u64::from(sample.duration));
        let ticks = if part.samples.len() < 2 {
            0
        } else {
            ticks.sum()
        };
        Some(MediaTime::new(ticks, self.lists.frame_rate().timescale()).seconds())
    }
}

fn unusable(url: &Url, source: impl std::error::Error + Send + Sync + 'static) -> FetchError {
    FetchError::Quality {
        url: url.to_string(),
        source: Box::new(source),
    }
}
