//! A title in memory: coded rungs in, the bytes of every file out. Knows no disk.
//!
//! ```text
//! master.m3u8  manifest.mpd  quality.json  source.json  poster.jpg      short-lived
//! <content hash>/<profile>-r<rank>.mp4, .m3u8, -iframes.m3u8   immutable
//! <content hash>/<profile>-l<first>-r<rank>.mp4, .m3u8         layers, where asked for
//! ```
//!
//! The content hash is the first 16 hex digits of a SHA-256 over names and bytes of all files in
//! its folder, so that a folder never changes under its name.

use super::PackageError;
use super::ladder::check_ladder;
use super::layers::layers_of;
use super::rung::{Rung, rung_id};
use crate::manifest::{
    ByteRange, Group, Layer, Presentation, QualityReport, Representation, SegmentRef, SourceRecord,
    dash, hls, measure_rates,
};
use crate::segment::file::{FileSegment, MediaFile, SegmentBytes, assemble};
use crate::segment::media::read_media;
use crate::segment::{Track, hex};
use sha2::{Digest, Sha256};

/// Name of the HLS entry point.
pub const MASTER: &str = "master.m3u8";
/// Name of the DASH manifest.
pub const MPD: &str = "manifest.mpd";
/// Name of the quality report.
pub const QUALITY: &str = "quality.json";
/// Name of the record of how the pictures were made.
pub(super) const SOURCE: &str = "source.json";
/// Name of the title's poster.
pub const POSTER: &str = "poster.jpg";

/// Content of a title: its rungs, and everything published with them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TitleContent {
    /// The rungs; those of one profile by ascending rank.
    pub rungs: Vec<Rung>,
    /// Whether the components that each rung adds to the one below are published as files, too.
    pub layers: bool,
    /// Measured quality, if any.
    pub quality: Option<QualityReport>,
    /// How the pictures were made, if that is known.
    pub source: Option<SourceRecord>,
    /// A JPEG, if any.
    pub poster: Option<Vec<u8>>,
    /// Where the generator's weights can be fetched, if known.
    pub weights_url: Option<String>,
}

/// A file of a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TitleFile {
    /// Name inside the folder that it belongs to.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

impl TitleFile {
    pub(super) fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let (name, bytes) = (name.into(), bytes.into());
        Self { name, bytes }
    }
}

/// The files of a title.
#[derive(Debug, Clone, PartialEq)]
pub struct TitleFiles {
    /// Name of the immutable folder.
    pub hash: String,
    /// Files in that folder.
    pub immutable: Vec<TitleFile>,
    /// Files beside it, in the order in which they should appear: the HLS entry point last.
    pub manifests: Vec<TitleFile>,
    /// Content of the manifests.
    pub presentation: Presentation,
}

impl TitleContent {
    /// Builds every file.
    ///
    /// Fails without rungs, if they do not make a ladder, if layers are asked for and they are not
    /// cuts of one fit, or if something cannot be written.
    pub fn build(&self) -> Result<TitleFiles, PackageError> {
        check_ladder(&self.rungs)?;
        let files = |rungs: &[Rung]| -> Result<Vec<RungFile>, PackageError> {
            rungs.iter().map(RungFile::new).collect()
        };
        let rungs = files(&self.rungs)?;
        let layers = match self.layers {
            true => files(&layers_of(&self.rungs)?)?,
            false => Vec::new(),
        };
        let provisional = self.presentation(&rungs, &layers, "0")?;
        let files = rungs.iter().chain(&layers);
        let files = files.map(|file| TitleFile::new(format!("{}.mp4", file.id), &*file.bytes));
        let immutable: Vec<_> = files.chain(playlists(&provisional, false)?).collect();
        let hash = content_hash(&immutable);
        let presentation = self.presentation(&rungs, &layers, &hash)?;
        Ok(TitleFiles {
            manifests: self.manifests(&presentation)?,
            hash,
            immutable,
            presentation,
        })
    }

    fn manifests(&self, presentation: &Presentation) -> Result<Vec<TitleFile>, PackageError> {
        let mut files = Vec::new();
        let poster = self.poster.as_deref();
        files.extend(poster.map(|poster| TitleFile::new(POSTER, poster)));
        let quality = self.quality.as_ref().map(serde_json::to_vec_pretty);
        let source = self.source.as_ref().map(serde_json::to_vec_pretty);
        for (name, json) in [(QUALITY, quality), (SOURCE, source)] {
            let json = json.transpose();
            let json = json.map_err(|error| PackageError::invalid(name, error.to_string()))?;
            files.extend(json.map(|json| TitleFile::new(name, json)));
        }
        files.push(TitleFile::new(MPD, dash::write(presentation)?));
        files.extend(playlists(presentation, true)?);
        Ok(files)
    }

    fn presentation(
        &self,
        rungs: &[RungFile],
        layers: &[RungFile],
        hash: &str,
    ) -> Result<Presentation, PackageError> {
        let mut groups: Vec<Group> = Vec::new();
        for file in rungs.iter().chain(layers) {
            let track = &file.layout.init.track;
            let stream = file.representation(hash)?;
            let group = groups.iter_mut().find(|g| g.profile == track.profile);
            match (group, track.first_component as u32) {
                (None, _) => groups.push(self.group(track, stream)),
                (Some(group), 0) => group.representations.push(stream),
                (Some(group), first_component) => group.layers.push(Layer {
                    first_component,
                    stream,
                }),
            }
        }
        let none = || PackageError::invalid("title", "there are no rungs");
        Ok(Presentation {
            duration: rungs.first().ok_or_else(none)?.layout.init.duration,
            quality_url: self.quality.is_some().then(|| QUALITY.to_owned()),
            groups,
        })
    }

    fn group(&self, track: &Track, first: Representation) -> Group {
        Group {
            profile: track.profile.clone(),
            frame_rate: track.frame_rate,
            width: track.visible.0,
            height: track.visible.1,
            pixel_aspect: track.pixel_aspect,
            weights: hex(&track.weights),
            weights_url: self.weights_url.clone(),
            independent_segments: first.segments.iter().all(|segment| segment.sap),
            representations: vec![first],
            layers: Vec::new(),
        }
    }
}

struct RungFile {
    id: String,
    bytes: Vec<u8>,
    layout: MediaFile,
}

impl RungFile {
    fn new(rung: &Rung) -> Result<Self, PackageError> {
        let id = rung_id(&rung.track);
        let (mut first_frame, mut segments) = (0u64, Vec::new());
        for (number, segment) in (1..).zip(&rung.segments) {
            let bytes = segment.write(&rung.track, number, first_frame);
            segments.push(SegmentBytes {
                bytes: bytes.map_err(PackageError::segment(format!("{id}: segment {number}")))?,
                frames: segment.frames,
                sap: !segment.chained,
            });
            first_frame += u64::from(segment.frames);
        }
        let bytes = assemble(&rung.track, &segments).map_err(PackageError::segment(&id))?;
        let layout = MediaFile::read(&bytes, bytes.len() as u64);
        let layout = layout.map_err(PackageError::segment(&id))?;
        Ok(Self { id, bytes, layout })
    }

    fn representation(&self, hash: &str) -> Result<Representation, PackageError> {
        let track = &self.layout.init.track;
        let url = format!("{hash}/{}.mp4", self.id);
        let segments = self.layout.segments.iter();
        let segments = segments.map(|segment| self.segment(segment, &url));
        let segments = segments.collect::<Result<Vec<_>, _>>()?;
        let init = byte_range(&self.layout.init_range);
        let rates = measure_rates(init.length, &segments);
        Ok(Representation {
            id: self.id.clone(),
            rank: track.rank() as u32,
            bandwidth: rates.peak,
            average_bandwidth: rates.average,
            codecs: track.codecs(),
            score: track.rank() as f64,
            url,
            init: Some(init),
            index: Some(byte_range(&self.layout.index_range)),
            segments,
        })
    }

    fn segment(&self, segment: &FileSegment, url: &str) -> Result<SegmentRef, PackageError> {
        let range = byte_range(&segment.range);
        let bytes = &self.bytes[range.start as usize..range.end() as usize];
        let media = read_media(bytes).map_err(PackageError::segment(&self.id))?;
        Ok(SegmentRef {
            start: segment.start,
            duration: segment.duration,
            url: url.to_owned(),
            range: Some(range),
            key_frame_end: Some(media.first_sample_end),
            sap: segment.sap,
        })
    }
}

pub(super) fn byte_range(range: &std::ops::Range<u64>) -> ByteRange {
    ByteRange {
        start: range.start,
        length: range.end - range.start,
    }
}

/// The master playlist, or all others, named without their folder.
fn playlists(title: &Presentation, master: bool) -> Result<Vec<TitleFile>, PackageError> {
    let files = hls::write(title)?.into_iter().map(|playlist| {
        let name = playlist.url.rsplit('/').next().unwrap_or_default();
        TitleFile::new(name, playlist.text)
    });
    Ok(files
        .filter(|file| (file.name == MASTER) == master)
        .collect())
}

pub(super) fn content_hash(files: &[TitleFile]) -> String {
    let mut hash = Sha256::new();
    for file in files {
        for part in [file.name.as_bytes(), &file.bytes] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hex(&hash.finalize()[..8])
}
