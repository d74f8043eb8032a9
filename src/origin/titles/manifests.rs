//! Manifests that are rendered on the fly: with segment URLs, or with byte ranges where they differ
//! from the published ones (a filter, weights on offer, steering).
//!
//! A rendered manifest is cached under the entity tag of the title's master playlist, so it is
//! rendered once per version and filter. It is cached only if it is complete: while the store
//! fails, its error is returned, and an MPD that belongs to another version is read again.

use super::background::process;
use super::cache::{Keep, shared};
use super::library::Titles;
use super::object::Object;
use super::path::{Addressing, ENTRY, Manifest, Protocol, Resource, content_type};
use super::query::Filter;
use super::weights::Offered;
use crate::manifest::hls::Master;
use crate::manifest::{ByteRange, Group, Presentation, Representation, dash, hls};
use crate::origin::error::{OriginError, Result};
use crate::origin::percent::encode_path;
use bytes::Bytes;
use std::sync::Arc;

/// Size of a `sidx` box with one reference, in bytes.
const SMALLEST_INDEX: u64 = 44;

/// A manifest to be rendered.
struct Wanted<'a> {
    manifest: &'a Manifest,
    filter: &'a Filter,
    /// Whether it names the steering server.
    steered: bool,
}

impl Titles {
    /// A manifest of a title, with the rungs that `filter` takes. Without a filter, it is memoised
    /// for a moment, which skips revalidation of the title.
    pub(super) async fn manifest(
        &self,
        manifest: &Manifest,
        filter: &Filter,
        steered: bool,
    ) -> Result<Object> {
        let steered = steered && manifest.protocol == Protocol::Hls;
        let wanted = Wanted {
            manifest,
            filter,
            steered,
        };
        if !filter.is_empty() {
            return Box::pin(self.current(&wanted)).await;
        }
        let key = format!("{}\n{steered}", manifest.path);
        let render = || self.current(&wanted);
        self.cache.object(&key, Keep::Briefly, render).await
    }

    /// The same from the present state of the title.
    async fn current(&self, wanted: &Wanted<'_>) -> Result<Object> {
        let (manifest, filter) = (wanted.manifest, wanted.filter);
        let offered = self.weights.offered().await?;
        let plain = filter.is_empty() && offered.0.is_empty() && !wanted.steered;
        if manifest.addressing == Addressing::Ranges && plain {
            return self.file(&manifest.path, false).await;
        }
        let entry = self.file(&entry_of(&manifest.title), false).await?;
        let key = format!(
            "{}\n{:?} {:?} {} {}",
            manifest.path,
            entry.etag,
            self.selection(&manifest.title, &entry, filter).await?,
            offered.version(),
            wanted.steered,
        );
        let render = || self.rendered(wanted, &entry, &offered);
        self.cache.object(&key, Keep::Always, render).await
    }

    async fn rendered(
        &self,
        wanted: &Wanted<'_>,
        entry: &Object,
        offered: &Offered,
    ) -> Result<Object> {
        let manifest = wanted.manifest;
        let (presentation, complete) = self.chosen(wanted, entry, offered).await?;
        let mut text = write(presentation, manifest.protocol).await?;
        if wanted.steered {
            name_steering_server(&mut text, manifest.addressing);
        }
        let kind = content_type(&manifest.path).unwrap_or("text/plain");
        let object = Object::hashed(Bytes::from(text), kind).await;
        Ok(Object {
            modified: entry.modified.clone(),
            provisional: !complete,
            ..object
        })
    }

    /// The ids of the rungs that a filter takes, or `None` for all: filters with the same result
    /// share a rendered manifest.
    async fn selection(
        &self,
        title: &str,
        entry: &Object,
        filter: &Filter,
    ) -> Result<Option<String>> {
        if filter.is_empty() {
            return Ok(None);
        }
        let presentation = self.version(title, entry).await?;
        let taken = presentation.groups.iter().flat_map(|group| {
            let rungs = group.representations.iter();
            rungs.filter(|rung| filter.takes(&group.profile, rung.rank))
        });
        let ids: Vec<&str> = taken.map(|rung| rung.id.as_str()).collect();
        if ids.is_empty() {
            return Err(OriginError::not_found(format!(
                "{title}: a rung that fits the query"
            )));
        }
        Ok(Some(ids.join(",")))
    }

    /// The content of a manifest, and whether it is all that the title has.
    async fn chosen(
        &self,
        wanted: &Wanted<'_>,
        entry: &Object,
        offered: &Offered,
    ) -> Result<(Presentation, bool)> {
        let (manifest, filter) = (wanted.manifest, wanted.filter);
        let mut presentation = Presentation::clone(&*self.version(&manifest.title, entry).await?);
        for group in &mut presentation.groups {
            let rungs = &mut group.representations;
            rungs.retain(|rung| filter.takes(&group.profile, rung.rank));
            if group.weights_url.is_none() {
                group.weights_url = offered.url(&group.weights);
            }
        }
        let title = &manifest.title;
        let complete = manifest.protocol == Protocol::Hls
            || self.add_layers(&mut presentation, title, filter).await?;
        let groups = &mut presentation.groups;
        groups.retain(|group| !group.representations.is_empty());
        if manifest.addressing == Addressing::Segments {
            self.list_layers(&mut presentation, &manifest.title).await?;
            presentation = presentation.segment_urls("../");
        }
        Ok((presentation, complete))
    }

    /// Adds the layers, which HLS cannot express, from the published MPD of the same version. False
    /// if there is none, as in the middle of a publication.
    async fn add_layers(
        &self,
        presentation: &mut Presentation,
        title: &str,
        filter: &Filter,
    ) -> Result<bool> {
        let path = format!("{title}/{}", Protocol::Dash.name());
        let text = match self.text(&path, false).await {
            Err(error) if error.is_outage() => return Err(error),
            Err(_) => return Ok(false),
            Ok(text) => text,
        };
        let read = process(text.len(), move || dash::read(&path, &text)).await;
        let Ok(published) = read else {
            return Ok(false);
        };
        let mut complete = presentation.groups.len() == published.groups.len();
        for (group, other) in presentation.groups.iter_mut().zip(published.groups) {
            if first_url(group) == first_url(&other) {
                group.layers = other.layers;
                let layers = &mut group.layers;
                layers.retain(|layer| filter.takes(&group.profile, layer.stream.rank));
            } else {
                // Without rungs, the filter has left out the whole group.
                complete &= group.representations.is_empty();
            }
        }
        Ok(complete)
    }

    /// Adds the segments of layers from their playlists. Older titles have no such playlists, and
    /// so no segment URLs of layers.
    async fn list_layers(&self, presentation: &mut Presentation, title: &str) -> Result<()> {
        for group in &mut presentation.groups {
            let mut listed = true;
            for stream in group.layers.iter_mut().map(|layer| &mut layer.stream) {
                let stem = stream.url.trim_end_matches(".mp4");
                match self.index(&format!("{title}/{stem}")).await {
                    Ok(index) => stream.segments = index.media.segments.clone(),
                    Err(error) if error.is_outage() => return Err(error),
                    Err(_) => listed = false,
                }
            }
            if !listed {
                group.layers.clear();
            }
        }
        Ok(())
    }

    /// The version of a title that begins with the master playlist `entry`, with byte ranges.
    async fn version(&self, title: &str, entry: &Object) -> Result<Arc<Presentation>> {
        let key = format!("{title} {:?}", entry.etag);
        shared(&self.cache.presentations, &key, self.presentation(title)).await
    }

    async fn presentation(&self, title: &str) -> Result<Presentation> {
        let path = entry_of(title);
        let text = self.text(&path, false).await?;
        let url = encode_path(&path);
        let mut master = process(text.len(), move || Master::read(&url, &text)).await?;
        let (mut media, mut iframes) = (Vec::new(), Vec::new());
        for url in master.media() {
            media.push(self.playlist_of(title, url).await?);
        }
        for url in master.iframes() {
            iframes.push(self.playlist_of(title, url).await?);
        }
        let size = media.iter().chain(&iframes).map(String::len).sum();
        let read = move || {
            for (index, text) in media.iter().enumerate() {
                master.fill(index, text)?;
            }
            for (index, text) in iframes.iter().enumerate() {
                master.fill_iframes(index, text)?;
            }
            master.finish()
        };
        let mut presentation = process(size, read).await?;
        let groups = presentation.groups.iter_mut();
        for rung in groups.flat_map(|group| &mut group.representations) {
            rung.index = index_range(rung);
        }
        Ok(presentation)
    }

    /// The text of a playlist that the master playlist of `title` names.
    pub(super) async fn playlist_of(&self, title: &str, url: &str) -> Result<String> {
        match Resource::referred(title, url) {
            Some(Resource::File { path, immutable }) => self.text(&path, immutable).await,
            _ => {
                let problem = format!("it names `{url}`, which is not a file of the title");
                Err(OriginError::damaged(entry_of(title), problem))
            }
        }
    }
}

/// Path of the master playlist of a title.
fn entry_of(title: &str) -> String {
    [title, "/", ENTRY].concat()
}

/// A manifest's text.
async fn write(presentation: Presentation, protocol: Protocol) -> Result<String> {
    let groups = presentation.groups.iter();
    let rungs = groups.flat_map(|group| &group.representations);
    // About 64 bytes a segment.
    let size = rungs.map(|rung| 64 * (1 + rung.segments.len())).sum();
    let write = move || match protocol {
        Protocol::Dash => dash::write(&presentation),
        Protocol::Hls => {
            let master = hls::write(&presentation)?.into_iter().next_back();
            Ok(master.map(|playlist| playlist.text).unwrap_or_default())
        }
    };
    Ok(process(size, write).await?)
}

/// The URL of the first rung, which names the version: a filter leaves out rungs from the end.
fn first_url(group: &Group) -> Option<&str> {
    group.representations.first().map(|rung| rung.url.as_str())
}

/// Inserts the steering server (RFC 8216bis §4.4.6.6) after the first two lines.
fn name_steering_server(text: &mut String, addressing: Addressing) {
    let up = match addressing {
        Addressing::Ranges => "../",
        Addressing::Segments => "../../",
    };
    let line = format!("#EXT-X-CONTENT-STEERING:SERVER-URI=\"{up}steering.json\"\n");
    let ends = text.match_indices('\n').map(|(at, _)| at + 1);
    let place = ends.take(2).last().unwrap_or(text.len());
    text.insert_str(place, &line);
}

/// The `sidx` of a rung's file: what lies between the init segment and the first segment.
fn index_range(rung: &Representation) -> Option<ByteRange> {
    let start = rung.init?.end();
    let first = rung.segments.first()?.range?.start;
    let length = first.checked_sub(start)?;
    (length >= SMALLEST_INDEX).then_some(ByteRange { start, length })
}
