//! Reads a master playlist, and completes it with its media playlists.
//!
//! A master playlist says what rungs there are, each media playlist what segments one has; the
//! caller fetches them and hands the texts over. Only variants of our codec are taken; others may
//! stand beside them.

use super::variant::Variant;
use super::{Media, Variables, syntax};
use crate::manifest::addressing::codec;
use crate::manifest::error::Source;
use crate::manifest::{ManifestError, Presentation};
use crate::time::{MediaTime, Timescale};
use m3u8_rs::MasterPlaylist;

/// A master playlist that is being completed.
#[derive(Debug, Clone)]
pub struct Master {
    url: String,
    presentation: Presentation,
    media: Vec<Reference>,
    iframes: Vec<Reference>,
    variables: Variables,
}

/// A playlist that the master playlist names, and the rung that it belongs to.
#[derive(Debug, Clone)]
struct Reference {
    url: String,
    group: usize,
    rung: usize,
}

impl Master {
    /// Reads a master playlist. `url` names it in errors; the URLs inside stay relative to it.
    pub fn read(url: &str, text: &str) -> Result<Self, ManifestError> {
        let source = Source::new(url, text)?;
        let (playlist, variables) = syntax::master(&source)?;
        let mut master = Self {
            url: url.to_owned(),
            presentation: Presentation {
                duration: MediaTime::new(0, Timescale::MICROSECONDS),
                quality_url: super::variant::session(&playlist, super::QUALITY),
                groups: Vec::new(),
            },
            media: Vec::new(),
            iframes: Vec::new(),
            variables,
        };
        let streams = playlist.variants.iter().filter(|stream| !stream.is_i_frame);
        for (index, stream) in streams.enumerate() {
            master.add(&Variant {
                source,
                index,
                stream,
                playlist: &playlist,
            })?;
        }
        if playlist.variants.is_empty() && text.contains("#EXTINF:") {
            let expected = "a multivariant playlist: this one lists the segments of a single rung";
            return Err(source.invalid(1, "playlist", expected));
        }
        if master.media.is_empty() {
            let expected = format!("at least one variant with CODECS=\"{}…\"", codec());
            return Err(source.invalid(1, "EXT-X-STREAM-INF", expected));
        }
        master.sort();
        master.find_iframes(&playlist);
        Ok(master)
    }

    /// URLs of the media playlists, relative to the master playlist, by group and ascending rank.
    pub fn media(&self) -> impl ExactSizeIterator<Item = &str> {
        self.media.iter().map(|reference| reference.url.as_str())
    }

    /// URLs of the I-frame playlists, relative to the master playlist; there may be none.
    pub fn iframes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.iframes.iter().map(|reference| reference.url.as_str())
    }

    /// What the playlist defines for itself and for its media playlists.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Completes a rung from the text of media playlist number `index` of [`Self::media`]; an
    /// index past the end changes nothing.
    pub fn fill(&mut self, index: usize, text: &str) -> Result<(), ManifestError> {
        let Some(Reference { url, group, rung }) = self.media.get(index) else {
            return Ok(());
        };
        let group = &mut self.presentation.groups[*group];
        let mut media = Media::read_within(&self.variables, url, text, Some(group.frame_rate))?;
        group.independent_segments |= media.independent_segments;
        if group.independent_segments {
            media
                .segments
                .iter_mut()
                .for_each(|segment| segment.sap = true);
        }
        if let Some(last) = media.segments.last() {
            let end = last.start.ticks.saturating_add(last.duration.ticks);
            self.presentation.duration = MediaTime::new(end, last.start.timescale);
        }
        let rung = &mut group.representations[*rung];
        (rung.url, rung.init, rung.segments) = (media.url, media.init, media.segments);
        Ok(())
    }

    /// Marks random access points and the extent of their first samples from the text of I-frame
    /// playlist number `index` of [`Self::iframes`]. The rung must have been filled before.
    pub fn fill_iframes(&mut self, index: usize, text: &str) -> Result<(), ManifestError> {
        let Some(Reference { url, group, rung }) = self.iframes.get(index) else {
            return Ok(());
        };
        let group = &mut self.presentation.groups[*group];
        let pictures = Media::read_within(&self.variables, url, text, Some(group.frame_rate))?;
        let rung = &group.representations[*rung];
        let mut media = Media::of(group, rung);
        if !media.mark_pictures(&pictures) {
            return Err(ManifestError::Inconsistent {
                url: url.clone(),
                place: rung.id.clone(),
                problem: "a picture starts where no segment does".to_owned(),
            });
        }
        let Reference { rung, .. } = self.iframes[index];
        group.representations[rung].segments = media.segments;
        Ok(())
    }

    /// What is known so far. Rungs whose media playlist was not handed over have no segments and
    /// an empty URL.
    pub fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// The presentation, checked for consistency.
    pub fn finish(self) -> Result<Presentation, ManifestError> {
        self.presentation.check(&self.url)?;
        Ok(self.presentation)
    }

    fn add(&mut self, variant: &Variant<'_>) -> Result<(), ManifestError> {
        let Some(profile) = variant.profile() else {
            return Ok(());
        };
        let groups = &mut self.presentation.groups;
        let known = groups.iter().position(|group| group.profile == profile);
        let at = known.unwrap_or(groups.len());
        if known.is_none() {
            groups.push(variant.group(profile)?);
        }
        variant.fit_in(&mut groups[at])?;
        let rungs = &mut groups[at].representations;
        self.media.push(Reference {
            url: variant.stream.uri.clone(),
            group: at,
            rung: rungs.len(),
        });
        rungs.push(variant.representation()?);
        Ok(())
    }

    /// Orders rungs by rank, whatever the order of the variants, and the references with them.
    fn sort(&mut self) {
        let groups = &mut self.presentation.groups;
        self.media.sort_by_key(|media| {
            (
                media.group,
                groups[media.group].representations[media.rung].rank,
            )
        });
        let mut next = vec![0; groups.len()];
        for media in &mut self.media {
            media.rung = next[media.group];
            next[media.group] += 1;
        }
        for group in groups {
            group.representations.sort_by_key(|rung| rung.rank);
        }
    }

    fn find_iframes(&mut self, playlist: &MasterPlaylist) {
        let groups = self.presentation.groups.iter().enumerate();
        for (group, rung, id) in groups.flat_map(|(at, group)| {
            let rungs = group.representations.iter().enumerate();
            rungs.map(move |(rung, representation)| (at, rung, &representation.id))
        }) {
            let stream = playlist
                .variants
                .iter()
                .find(|stream| stream.is_i_frame && super::variant::id(stream) == Some(id));
            if let Some(stream) = stream {
                let url = stream.uri.clone();
                self.iframes.push(Reference { url, group, rung });
            }
        }
    }
}
