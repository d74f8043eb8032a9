//! From a manifest's URL to something a session can play.
//!
//! What a session begins with is the manifest, what lists the segments of the lowest rung, and that
//! rung's init segment. Of a short title the rest comes at once, too, so that decisions rest on real
//! sizes from the first; of a long one it comes while it plays.

use super::cmcd::{Content, Kind};
use super::error::FetchError;
use super::http::{Client, Purpose};
use super::lists::Lists;
use super::resolve::{parse, resolve};
use super::stream::Stream;
use crate::manifest::hls::Master;
use crate::manifest::{Presentation, dash};
use futures_util::future::try_join_all;
use reqwest::Url;
use std::ops::Range;

/// A title whose manifest has been read.
#[derive(Debug, Clone)]
pub struct Title {
    url: Url,
    content: Content,
    presentation: Presentation,
    /// Media playlists by group and ascending rank; none of an MPD.
    playlists: Vec<String>,
}

impl Title {
    /// Fetches the manifest at `url` (`http`, `https` or `file`), or where the server says that it is,
    /// HLS or DASH as its text tells.
    pub async fn open(client: &Client, url: &str) -> Result<Self, FetchError> {
        let url = parse(url)?;
        let content = Content::of(&url);
        let purpose = Purpose::of(&content, Kind::Manifest);
        let answer = client.get(&url, None, &purpose).await?;
        let url = answer.moved.unwrap_or(url);
        let text = String::from_utf8_lossy(&answer.bytes);
        let start = text.trim_start_matches('\u{feff}').trim_start();
        let mut playlists = Vec::new();
        let presentation = if start.starts_with("#EXTM3U") {
            let master = Master::read(url.as_str(), &text)?;
            playlists = master.media().map(str::to_owned).collect();
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
            playlists,
        })
    }

    /// The manifest's URL.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// What the manifest says. Rungs whose segments are listed elsewhere (HLS, and an MPD in byte-range
    /// form) have none yet.
    pub fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// Where the weights of group number `group` can be fetched, if the manifest says so.
    pub fn weights_url(&self, group: usize) -> Result<Option<Url>, FetchError> {
        let group = self.presentation.groups.get(group);
        let named = group.and_then(|group| group.weights_url.as_deref());
        named.map(|url| resolve(&self.url, url)).transpose()
    }

    /// Fetches what playing group number `group` begins with: all indexes and init segments of a short
    /// title, those of the lowest rung of a long one.
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
        let groups = &self.presentation.groups;
        let Some(chosen) = groups.get(group) else {
            let groups = groups.len();
            let url = self.url.into();
            return Err(FetchError::NoGroup { url, group, groups });
        };
        if layered && chosen.layers.is_empty() {
            return Err(FetchError::NoLayers {
                url: self.url.into(),
            });
        }
        let before = groups[..group].iter().map(|g| g.representations.len());
        let playlists = self.playlists.get(before.sum()..).unwrap_or_default();
        let url = self.url.clone();
        let mut lists = Lists::new(url, &self.presentation, group, layered, playlists);
        fetch_lists(client, &self.content, &mut lists, (0, 0..1)).await?;
        if lists.is_short() {
            let everything = lists.everything();
            fetch_lists(client, &self.content, &mut lists, everything).await?;
        }
        let ladder = match lists.is_complete() {
            true => lists.whole_ladder()?,
            false => lists.first_ladder()?,
        };
        let quality_url = self.presentation.quality_url;
        let manifest = (self.url, self.content);
        Ok(Stream::new(manifest, quality_url, lists, ladder))
    }
}

/// Fetches all that must be there before `segment` of `rungs` can be asked for, for all of them at a
/// time.
pub(super) async fn fetch_lists(
    client: &Client,
    content: &Content,
    lists: &mut Lists,
    (segment, rungs): (usize, Range<usize>),
) -> Result<(), FetchError> {
    loop {
        let mut asks = Vec::new();
        for rung in rungs.clone() {
            asks.extend(lists.lacks(segment, rung)?.map(|ask| (rung, ask)));
        }
        if asks.is_empty() {
            return Ok(());
        }
        let answers = asks.iter().map(|(_, ask)| async move {
            let purpose = Purpose::of(content, ask.kind);
            client.get(&ask.url, ask.range, &purpose).await
        });
        let answers = try_join_all(answers).await?;
        for ((rung, ask), answer) in asks.iter().zip(answers) {
            lists.take(*rung, ask, answer)?;
        }
    }
}
