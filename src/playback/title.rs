//! From a manifest's URL to something a session can play.
//!
//! What a session begins with is the manifest, what lists the segments of the lowest rung, and that
//! rung's init segment. Of a short title the rest comes at once, too, so that decisions rest on real
//! sizes from the first; of a long one it comes while it plays.

use super::cmcd::{Content, Kind};
use super::error::FetchError;
use super::http::{Client, Purpose};
use super::indexes::{Source, named};
use super::resolve::{parse, resolve};
use super::stream::Stream;
use crate::manifest::hls::Master;
use crate::manifest::{Presentation, dash};
use crate::player::index::{Index, Places, Playlist, text_of};
use reqwest::Url;

/// A title whose manifest has been read.
#[derive(Debug, Clone)]
pub struct Title {
    url: Url,
    content: Content,
    presentation: Presentation,
    /// Media playlists by group and ascending rank; none of an MPD.
    playlists: Vec<Playlist>,
    /// Where the files lie, by an MPD.
    places: Option<Places>,
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
        let text = text_of(&answer.bytes).map_err(|error| named(&url, error))?;
        let start = text.trim_start_matches('\u{feff}').trim_start();
        let (mut playlists, mut places) = (Vec::new(), None);
        let presentation = if start.starts_with("#EXTM3U") {
            let master = Master::read(url.as_str(), &text)?;
            playlists = Playlist::all(&master);
            master.finish()?
        } else if start.starts_with('<') {
            let (presentation, count) = dash::read_place(url.as_str(), &text, 0)?;
            places = Some(Places::new(url.as_str(), &text, count));
            presentation
        } else {
            return Err(FetchError::NoManifest { url: url.into() });
        };
        Ok(Self {
            url,
            content,
            presentation,
            playlists,
            places,
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
        let index = Index::new(&self.presentation, group, layered, playlists);
        let mut index = index.at(self.places);
        let source = Source {
            url: self.url,
            content: self.content,
        };
        let lacks = Index::lacks_to_begin;
        source.fetch_index(client, &mut index, lacks).await?;
        let ladder = index.first_ladder();
        let ladder = ladder.map_err(|error| named(&source.url, error))?;
        let quality_url = self.presentation.quality_url;
        Ok(Stream::new(source, quality_url, index, ladder))
    }
}
