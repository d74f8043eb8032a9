//! Reads a master playlist, and completes it with its media playlists.
//!
//! A master playlist names the rungs, each media playlist the segments of one; the caller fetches them and
//! hands the texts over. Variants of other codecs are ignored.

use super::variant::Variant;
use super::{Media, Variables, syntax, variant};
use crate::manifest::addressing::codec;
use crate::manifest::error::Source;
use crate::manifest::{ManifestError, Presentation, Representation};
use crate::time::{MediaTime, Timescale};
use m3u8_rs::{MasterPlaylist, VariantStream};

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
        let streams = playlist.variants.iter().filter(|stream| !stream.is_i_frame);
        let (mut groups, mut rungs) = (Vec::new(), Vec::new());
        for (index, stream) in streams.enumerate() {
            let variant = Variant {
                source,
                index,
                stream,
                playlist: &playlist,
            };
            rungs.extend(variant.add_to(&mut groups)?);
        }
        if playlist.variants.is_empty() && text.contains("#EXTINF:") {
            let expected = "a multivariant playlist: this one lists the segments of a single rung";
            return Err(source.invalid(1, "playlist", expected));
        }
        if rungs.is_empty() {
            let expected = format!("at least one variant with CODECS=\"{}…\"", codec());
            return Err(source.invalid(1, "EXT-X-STREAM-INF", expected));
        }
        let mut master = Self {
            url: url.to_owned(),
            presentation: Presentation {
                duration: MediaTime::new(0, Timescale::MICROSECONDS),
                quality_url: variant::session(&playlist, super::QUALITY),
                groups,
            },
            media: Vec::new(),
            iframes: Vec::new(),
            variables,
        };
        rungs.sort_by_key(|(group, rung, _)| (*group, rung.rank));
        for (group, rung, stream) in rungs {
            master.add(group, rung, stream, &playlist);
        }
        Ok(master)
    }

    /// Adds a rung to its group, and the playlists that it has in `playlist`.
    fn add(
        &mut self,
        group: usize,
        rung: Representation,
        stream: &VariantStream,
        playlist: &MasterPlaylist,
    ) {
        let rungs = &mut self.presentation.groups[group].representations;
        let reference = |stream: &VariantStream| Reference {
            url: stream.uri.clone(),
            group,
            rung: rungs.len(),
        };
        let is_of_rung = |stream: &&VariantStream| {
            stream.is_i_frame && variant::id(stream) == Some(rung.id.as_str())
        };
        let iframes = playlist.variants.iter().find(is_of_rung);
        self.iframes.extend(iframes.map(reference));
        self.media.push(reference(stream));
        rungs.push(rung);
    }

    /// URLs of the media playlists, relative to the master playlist, by group and ascending rank.
    pub fn media(&self) -> impl ExactSizeIterator<Item = &str> {
        self.media.iter().map(|reference| reference.url.as_str())
    }

    /// URLs of the I-frame playlists, relative to the master playlist; there may be none.
    pub fn iframes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.iframes.iter().map(|reference| reference.url.as_str())
    }

    /// Variables that the playlist defines for itself and for its media playlists.
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
        for segment in &mut media.segments {
            segment.sap |= group.independent_segments;
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

    /// The presentation so far. Rungs whose media playlist is still missing have no segments and
    /// an empty URL.
    pub fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// The presentation, checked for consistency.
    pub fn finish(self) -> Result<Presentation, ManifestError> {
        self.presentation.check(&self.url)?;
        Ok(self.presentation)
    }
}
