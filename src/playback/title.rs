//! From the URL of a manifest to a stream that a session can play.

use super::cmcd::Fetch;
use super::error::FetchError;
use super::http::Client;
use super::indexes::{Source, named};
use super::resolve::{parse, resolve};
use super::stream::Stream;
use crate::manifest::Presentation;
use crate::player::cmcd::{Content, Kind};
use crate::player::index::Index;
use crate::player::title::{Contents, Layers};
use std::sync::Arc;

/// A title whose manifest has been read.
#[derive(Debug, Clone)]
pub struct Title {
    source: Source,
    contents: Contents,
}

impl Title {
    /// Fetches the manifest at `url` (`http`, `https` or `file`), following redirects. The text tells HLS
    /// from DASH.
    pub async fn open(client: &Client, url: &str) -> Result<Self, FetchError> {
        let url = parse(url)?;
        let content = Content::of(url.path());
        let fetch = Fetch::of(&url, None, &content, Kind::Manifest);
        let answer = client.get(&fetch).await?;
        let url = answer.moved.unwrap_or(url);
        let contents = Contents::read(url.as_str(), &answer.bytes);
        let contents = contents.map_err(|error| named(&url, error))?;
        Ok(Self {
            source: Source { url, content },
            contents,
        })
    }

    /// The manifest's URL.
    pub fn url(&self) -> &str {
        self.source.url.as_str()
    }

    /// The content of the manifest. Rungs whose segments are listed elsewhere (HLS, and an MPD with byte
    /// ranges) have no segments yet.
    pub fn presentation(&self) -> &Presentation {
        &self.contents.presentation
    }

    /// URL of the generator weights of group number `group`, if the manifest names one.
    pub fn weights_url(&self, group: usize) -> Result<Option<String>, FetchError> {
        let group = self.contents.presentation.groups.get(group);
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
        let index = self.contents.index(group, layers);
        let mut index = index.map_err(|error| named(&self.source.url, error))?;
        let (source, lacks) = (self.source, Index::lacks_to_begin);
        source.fetch_index(client, &mut index, lacks).await?;
        let ladder = index.first_ladder();
        let ladder = ladder.map_err(|error| named(&source.url, error))?;
        Ok(Stream {
            source,
            quality_url: self.contents.presentation.quality_url,
            index,
            ladder: Arc::new(ladder),
        })
    }
}
