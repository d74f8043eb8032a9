//! From a manifest's URL to something a session can play: presentation, ladder, init segments.

use super::cmcd::{Content, Kind};
use super::error::FetchError;
use super::http::{Client, Purpose, span};
use super::index;
use crate::manifest::hls::Master;
use crate::manifest::{
    ByteRange, Group, Presentation, QualityReport, Representation, SegmentRef, dash,
};
use crate::player::ladder::Ladder;
use crate::player::utility::{Utility, UtilityError};
use crate::segment::sidx::SegmentIndex;
use crate::time::Timescale;
use futures_util::future::try_join_all;
use reqwest::Url;
use std::sync::Arc;

/// A title whose manifest has been read.
#[derive(Debug, Clone)]
pub struct Title {
    url: Url,
    content: Content,
    presentation: Presentation,
    overhead_bytes: u64,
}

impl Title {
    /// Fetches the manifest at `url`, HLS or DASH as its text tells, and the media playlists that
    /// an HLS master playlist names.
    pub async fn open(client: &Client, url: &str) -> Result<Self, FetchError> {
        let url = parse(url)?;
        let content = Content::of(&url);
        let purpose = Purpose::of(&content, Kind::Manifest);
        let bytes = client.get(&url, None, &purpose).await?;
        let mut overhead_bytes = bytes.len() as u64;
        let text = String::from_utf8_lossy(&bytes);
        let start = text.trim_start_matches('\u{feff}').trim_start();
        let presentation = if start.starts_with("#EXTM3U") {
            let mut master = Master::read(url.as_str(), &text)?;
            overhead_bytes += fill(client, &url, &mut master, &purpose).await?;
            master.finish()?
        } else if start.starts_with('<') {
            dash::read(url.as_str(), &text)?
        } else {
            return Err(FetchError::NoManifest { url: url.into() });
        };
        Ok(Self {
            url,
            content,
            presentation,
            overhead_bytes,
        })
    }

    /// The manifest's URL.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// What the manifest says. Rungs of an MPD in byte-range form have no segments yet.
    pub fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// Fetches what playing group number `group` needs beforehand: the rungs' indexes where the
    /// manifest only points at them, and the init segments.
    pub async fn stream(self, client: &Client, group: usize) -> Result<Stream, FetchError> {
        let groups = self.presentation.groups.len();
        let Some(mut group) = self.presentation.groups.into_iter().nth(group) else {
            return Err(FetchError::NoGroup {
                url: self.url.into(),
                group,
                groups,
            });
        };
        let timescale = group.frame_rate.timescale();
        let lists = group.representations.iter();
        let lists = lists.map(|rung| {
            let purpose = Purpose::of(&self.content, Kind::Other);
            list_segments(client, &self.url, rung, timescale, purpose)
        });
        let mut overhead_bytes = self.overhead_bytes;
        let lists = try_join_all(lists).await?;
        for (rung, (segments, bytes)) in group.representations.iter_mut().zip(lists) {
            rung.segments = segments;
            overhead_bytes += bytes;
        }
        let purpose = Purpose::of(&self.content, Kind::Init);
        let inits = group.representations.iter().map(|rung| async {
            let url = resolve(&self.url, &rung.url)?;
            client.get(&url, rung.init, &purpose).await
        });
        let inits = try_join_all(inits).await?;
        overhead_bytes += inits.iter().map(|init| init.len() as u64).sum::<u64>();
        let ladder = Ladder::from_group(&group).map_err(|source| FetchError::Ladder {
            url: self.url.to_string(),
            source,
        })?;
        Ok(Stream {
            quality_url: self.presentation.quality_url,
            url: self.url,
            content: self.content,
            group,
            ladder: Arc::new(ladder),
            inits,
            overhead_bytes,
        })
    }
}

/// One group of a title, ready to be played.
#[derive(Debug, Clone)]
pub struct Stream {
    url: Url,
    quality_url: Option<String>,
    content: Content,
    group: Group,
    ladder: Arc<Ladder>,
    inits: Vec<Vec<u8>>,
    overhead_bytes: u64,
}

impl Stream {
    /// The manifest's URL.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// What the manifest says about the group, segments filled in.
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// The group as the session sees it.
    pub fn ladder(&self) -> &Arc<Ladder> {
        &self.ladder
    }

    /// The init segment of every rung, lowest first.
    pub fn inits(&self) -> &[Vec<u8>] {
        &self.inits
    }

    /// Bytes fetched so far: manifests, indexes and init segments.
    pub fn overhead_bytes(&self) -> u64 {
        self.overhead_bytes
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
        let report = if kind.is_measured() && self.quality_url.is_some() {
            let purpose = Purpose::of(&self.content, Kind::Other);
            let bytes = client.get(&url, None, &purpose).await?;
            self.overhead_bytes += bytes.len() as u64;
            let report: QualityReport =
                serde_json::from_slice(&bytes).map_err(|error| unusable(&url, error))?;
            Some(report)
        } else {
            None
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

    /// Where a segment lies; both numbers must exist.
    pub(super) fn place(&self, segment: usize, rung: usize) -> Result<Place, FetchError> {
        let reference = &self.group.representations[rung].segments[segment];
        let url = resolve(&self.url, &reference.url)?;
        Ok(Place {
            url,
            range: reference.range,
        })
    }
}

/// A file, or a range of one.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) url: Url,
    pub(super) range: Option<ByteRange>,
}

fn parse(url: &str) -> Result<Url, FetchError> {
    let bad = |problem: String| FetchError::Url {
        url: url.to_owned(),
        problem,
    };
    let parsed = Url::parse(url).map_err(|error| bad(error.to_string()))?;
    match parsed.scheme() {
        "http" | "https" => Ok(parsed),
        other => Err(bad(format!("expected http:// or https://, found {other}:"))),
    }
}

fn unusable(url: &Url, source: impl std::error::Error + Send + Sync + 'static) -> FetchError {
    FetchError::Quality {
        url: url.to_string(),
        source: Box::new(source),
    }
}

fn resolve(manifest: &Url, reference: &str) -> Result<Url, FetchError> {
    let joined = manifest.join(reference).map_err(|error| FetchError::Url {
        url: reference.to_owned(),
        problem: error.to_string(),
    })?;
    parse(joined.as_str())
}

/// Fetches the media playlists; returns their bytes.
async fn fill(
    client: &Client,
    url: &Url,
    master: &mut Master,
    purpose: &Purpose<'_>,
) -> Result<u64, FetchError> {
    let places = master.media().map(|reference| resolve(url, reference));
    let places = places.collect::<Result<Vec<Url>, FetchError>>()?;
    let texts = try_join_all(places.iter().map(|place| client.get(place, None, purpose))).await?;
    let mut bytes = 0;
    for (index, text) in texts.iter().enumerate() {
        bytes += text.len() as u64;
        master.fill(index, &String::from_utf8_lossy(text))?;
    }
    Ok(bytes)
}

/// A rung's segments, and the bytes it took to learn them.
async fn list_segments(
    client: &Client,
    manifest: &Url,
    rung: &Representation,
    timescale: Timescale,
    purpose: Purpose<'_>,
) -> Result<(Vec<SegmentRef>, u64), FetchError> {
    let place = match rung.index {
        Some(place) if rung.segments.is_empty() => place,
        _ => return Ok((rung.segments.clone(), 0)),
    };
    let url = resolve(manifest, &rung.url)?;
    let bytes = client.get(&url, Some(place), &purpose).await?;
    let found = SegmentIndex::from_bytes(&bytes).map_err(|source| FetchError::Index {
        url: url.to_string(),
        range: span(place),
        source: Box::new(source),
    })?;
    let segments = index::segments(&found, place, &rung.url, timescale);
    Ok((segments, bytes.len() as u64))
}
