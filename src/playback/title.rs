//! From the URL of a manifest to a stream that a session can play.
//!
//! A session starts from the manifest, the segment index of the lowest rung and that rung's init segment.
//! The rest of a short title is fetched at once, so that the first decisions know real sizes; that of a
//! long one during playback.

use super::cmcd::{Content, Fetch, Kind};
use super::error::{AnswerProblem, FetchError};
use super::http::Client;
use super::indexes::{Source, named};
use super::resolve::{parse, resolve};
use super::stream::Stream;
use crate::manifest::hls::Master;
use crate::manifest::{Presentation, dash};
use crate::player::index::{Index, Places, Playlist, text_of};
use std::sync::Arc;

/// Whether rungs are fetched in layers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Layers {
    /// If the manifest names layers.
    #[default]
    Auto,
    /// Yes; an error if the manifest names none.
    On,
    /// No: whole rungs.
    Off,
}

/// A title whose manifest has been read.
#[derive(Debug, Clone)]
pub struct Title {
    source: Source,
    presentation: Presentation,
    /// Media playlists by group and ascending rank; none with an MPD.
    playlists: Vec<Playlist>,
    /// The base URLs of an MPD.
    places: Option<Places>,
}

impl Title {
    /// Fetches the manifest at `url` (`http`, `https` or `file`), following redirects. The text tells HLS
    /// from DASH.
    pub async fn open(client: &Client, url: &str) -> Result<Self, FetchError> {
        let url = parse(url)?;
        let content = Content::of(&url);
        let fetch = Fetch::of(&url, None, &content, Kind::Manifest);
        let answer = client.get(&fetch).await?;
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
            return Err(AnswerProblem::NoManifest.at(&url));
        };
        Ok(Self {
            source: Source { url, content },
            presentation,
            playlists,
            places,
        })
    }

    /// The manifest's URL.
    pub fn url(&self) -> &str {
        self.source.url.as_str()
    }

    /// The content of the manifest. Rungs whose segments are listed elsewhere (HLS, and an MPD with byte
    /// ranges) have no segments yet.
    pub fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// URL of the generator weights of group number `group`, if the manifest names one.
    pub fn weights_url(&self, group: usize) -> Result<Option<String>, FetchError> {
        let group = self.presentation.groups.get(group);
        let named = group.and_then(|group| group.weights_url.as_deref());
        let url = named
            .map(|url| resolve(&self.source.url, url))
            .transpose()?;
        Ok(url.map(String::from))
    }

    /// Prepares group number `group`: fetches all indexes and init segments of a short title, those of
    /// the lowest rung of a long one. In layers that is the lowest rung and the layers above it.
    ///
    /// Fails if the manifest lacks layers that are required. HLS cannot express them.
    pub async fn stream(
        self,
        client: &Client,
        group: usize,
        layers: Layers,
    ) -> Result<Stream, FetchError> {
        let groups = &self.presentation.groups;
        let Some(chosen) = groups.get(group) else {
            let groups = groups.len();
            return Err(AnswerProblem::NoGroup { group, groups }.at(&self.source.url));
        };
        let has_layers = !chosen.layers.is_empty();
        let layered = layers == Layers::On || layers == Layers::Auto && has_layers;
        if layered && !has_layers {
            return Err(AnswerProblem::NoLayers.at(&self.source.url));
        }
        let before = groups[..group].iter().map(|g| g.representations.len());
        let playlists = self.playlists.get(before.sum()..).unwrap_or_default();
        let index = Index::new(&self.presentation, group, layered, playlists);
        let mut index = index.at(self.places);
        let (source, lacks) = (self.source, Index::lacks_to_begin);
        source.fetch_index(client, &mut index, lacks).await?;
        let ladder = index.first_ladder();
        let ladder = ladder.map_err(|error| named(&source.url, error))?;
        Ok(Stream {
            source,
            quality_url: self.presentation.quality_url,
            index,
            ladder: Arc::new(ladder),
        })
    }
}
