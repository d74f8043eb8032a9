//! From a manifest's URL to something a session can play: presentation, ladder, init segments.

use super::cmcd::{Content, Kind};
use super::error::FetchError;
use super::http::{Client, Purpose, span};
use super::index;
use crate::manifest::hls::Master;
use crate::manifest::{ByteRange, Group, Presentation, QualityReport, Representation, dash};
use crate::player::ladder::Ladder;
use crate::player::utility::{Utility, UtilityError};
use crate::segment::media::read_partial;
use crate::segment::sidx::SegmentIndex;
use crate::time::{MediaTime, Timescale};
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
    /// Fetches the manifest at `url` (`http`, `https` or `file`), HLS or DASH as its text tells, and
    /// the media playlists that an HLS master playlist names.
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

    /// Where the weights of group number `group` can be fetched, if the manifest says so.
    pub fn weights_url(&self, group: usize) -> Result<Option<Url>, FetchError> {
        let group = self.presentation.groups.get(group);
        let named = group.and_then(|group| group.weights_url.as_deref());
        named.map(|url| resolve(&self.url, url)).transpose()
    }

    /// Fetches what playing group number `group` needs beforehand: the rungs' indexes where the
    /// manifest only points at them, and the init segments.
    pub async fn stream(self, client: &Client, group: usize) -> Result<Stream, FetchError> {
        self.prepare(client, group, false).await
    }

    /// As [`Title::stream`], to be played in layers: the group's lowest rung, and what the manifest
    /// names on top of it.
    ///
    /// Fails if it names nothing there; HLS never does, for it has no words for it.
    pub async fn layered_stream(self, client: &Client, group: usize) -> Result<Stream, FetchError> {
        self.prepare(client, group, true).await
    }

    async fn prepare(
        self,
        client: &Client,
        group: usize,
        layered: bool,
    ) -> Result<Stream, FetchError> {
        let groups = self.presentation.groups.len();
        let Some(mut group) = self.presentation.groups.into_iter().nth(group) else {
            return Err(FetchError::NoGroup {
                url: self.url.into(),
                group,
                groups,
            });
        };
        if layered && group.layers.is_empty() {
            return Err(FetchError::NoLayers {
                url: self.url.into(),
            });
        }
        let timescale = group.frame_rate.timescale();
        let lists = streams(&mut group, layered).map(|stream| async {
            let purpose = Purpose::of(&self.content, Kind::Other);
            list_segments(client, &self.url, stream, timescale, purpose).await
        });
        let listed = try_join_all(lists).await?;
        let purpose = Purpose::of(&self.content, Kind::Init);
        let inits = streams(&mut group, layered).map(|stream| async {
            let url = resolve(&self.url, &stream.url)?;
            client.get(&url, stream.init, &purpose).await
        });
        let inits = try_join_all(inits).await?;
        let fetched = inits.iter().map(|init| init.len() as u64);
        let overhead_bytes = self.overhead_bytes + fetched.chain(listed).sum::<u64>();
        let ladder = match layered.then(|| Ladder::from_layers(&group)).flatten() {
            Some(ladder) => ladder,
            None => Ladder::from_group(&group),
        };
        let ladder = ladder.map_err(|source| FetchError::Ladder {
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

    /// The init segment of every rung of the ladder, or of every layer, lowest first.
    pub fn inits(&self) -> &[Vec<u8>] {
        &self.inits
    }

    /// Bytes fetched so far: manifests, indexes and init segments.
    pub fn overhead_bytes(&self) -> u64 {
        self.overhead_bytes
    }

    /// The title's `quality.json`, if the manifest names one.
    pub async fn quality(&mut self, client: &Client) -> Result<Option<QualityReport>, FetchError> {
        let Some(reference) = &self.quality_url else {
            return Ok(None);
        };
        let url = resolve(&self.url, reference)?;
        let purpose = Purpose::of(&self.content, Kind::Other);
        let bytes = client.get(&url, None, &purpose).await?;
        self.overhead_bytes += bytes.len() as u64;
        let report = serde_json::from_slice(&bytes).map_err(|error| unusable(&url, error))?;
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
        Some(MediaTime::new(ticks, self.group.frame_rate.timescale()).seconds())
    }

    /// Where a segment lies; both numbers must exist.
    pub(super) fn place(&self, segment: usize, rung: usize) -> Result<Place, FetchError> {
        let stream = match rung.checked_sub(1) {
            Some(layer) if self.ladder.is_layered() => &self.group.layers[layer].stream,
            _ => &self.group.representations[rung],
        };
        let reference = &stream.segments[segment];
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
        "http" | "https" | "file" => Ok(parsed),
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
    // What comes over the network has no business on this disk.
    if joined.scheme() == "file" && manifest.scheme() != "file" {
        return Err(FetchError::Url {
            url: reference.to_owned(),
            problem: format!("{manifest} may not name local files"),
        });
    }
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

/// What is played of `group`: its rungs, or its lowest rung and the layers above.
fn streams(group: &mut Group, layered: bool) -> impl Iterator<Item = &mut Representation> {
    let rungs = if layered { 1 } else { usize::MAX };
    let layers = if layered { usize::MAX } else { 0 };
    let layers = group.layers.iter_mut().take(layers);
    let layers = layers.map(|layer| &mut layer.stream);
    group.representations.iter_mut().take(rungs).chain(layers)
}

/// Fills in a stream's segments where only its index lists them; returns the bytes that took.
async fn list_segments(
    client: &Client,
    manifest: &Url,
    stream: &mut Representation,
    timescale: Timescale,
    purpose: Purpose<'_>,
) -> Result<u64, FetchError> {
    let place = match stream.index {
        Some(place) if stream.segments.is_empty() => place,
        _ => return Ok(0),
    };
    let url = resolve(manifest, &stream.url)?;
    let bytes = client.get(&url, Some(place), &purpose).await?;
    let found = SegmentIndex::from_bytes(&bytes).map_err(|source| FetchError::Index {
        url: url.to_string(),
        range: span(place),
        source: Box::new(source),
    })?;
    stream.segments = index::segments(&found, place, &stream.url, timescale);
    Ok(bytes.len() as u64)
}
