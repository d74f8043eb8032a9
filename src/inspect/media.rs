//! One media file, init segment or media segment: boxes, track, segments, samples, layers.

use super::{InspectError, track};
use crate::prompt::KeyframeDecoder;
use crate::segment::coded::CodedSegment;
use crate::segment::file::MediaFile;
use crate::segment::init::{Init, read_init};
use crate::segment::media::{MediaSegment, read_media};
use crate::segment::tree::{BoxNode, box_tree};
use crate::segment::{SegmentError, Track};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Larger files are not read, in bytes.
const MAX_FILE: u64 = 1 << 31;

/// Reads and checks a media file, an init segment or a media segment of at most 2 GiB; `init` names a
/// file with the track of a bare media segment, without which its samples are not decoded.
pub fn file(path: &Path, init: Option<&Path>) -> Result<Value, InspectError> {
    let bytes = read_file(path)?;
    let tree = box_tree(&bytes).map_err(in_file(path))?;
    let has = |kind: &[u8; 4]| tree.iter().any(|node| &node.kind.0 == kind);
    let (mut kind, mut duration_s, mut kbps) = ("init", None, None);
    let mut segments = Vec::new();
    let track = if has(b"sidx") {
        let layout = MediaFile::read(&bytes, bytes.len() as u64).map_err(in_file(path))?;
        (kind, kbps) = ("file", Some(layout.true_rate() / 1000.0));
        duration_s = Some(layout.init.duration.seconds());
        let track = layout.init.track;
        for (number, segment) in (1..).zip(&layout.segments) {
            let (start, end) = (segment.range.start, segment.range.end);
            let place = format!("segment {number} at byte {start}");
            let place = format!("{}: {place}", path.display());
            let bytes = &bytes[start as usize..end as usize];
            segments.push(Segment::read(bytes, start, Some(&track), &place)?);
        }
        Some(track)
    } else if has(b"moov") || !has(b"moof") {
        let init = Init::read(&bytes).map_err(in_file(path))?;
        duration_s = Some(init.duration.seconds());
        Some(init.track)
    } else {
        kind = "segment";
        let track = init.map(read_track).transpose()?;
        let place = format!("{}: segment", path.display());
        segments.push(Segment::read(&bytes, 0, track.as_ref(), &place)?);
        track
    };
    Ok(json!({
        "kind": kind, "path": path, "bytes": bytes.len(), "duration_s": duration_s, "kbps": kbps,
        "boxes": tree.iter().map(box_json).collect::<Vec<_>>(),
        "track": track.as_ref().map(track::json),
        "segments": segments.iter().map(Segment::json).collect::<Vec<_>>(),
    }))
}

fn read_track(path: &Path) -> Result<Track, InspectError> {
    read_init(&read_file(path)?).map_err(in_file(path))
}

fn read_file(path: &Path) -> Result<Vec<u8>, InspectError> {
    let named = |source| InspectError::Io {
        path: path.to_owned(),
        source,
    };
    let bytes = fs::metadata(path).map_err(named)?.len();
    if bytes > MAX_FILE {
        let path = path.to_owned();
        return Err(InspectError::TooLarge { path, bytes });
    }
    fs::read(path).map_err(named)
}

fn in_file(path: &Path) -> impl FnOnce(SegmentError) -> InspectError {
    let place = path.display().to_string();
    move |source| InspectError::Segment { place, source }
}

fn box_json(node: &BoxNode) -> Value {
    json!({
        "kind": node.kind.to_string(), "offset": node.offset, "bytes": node.size,
        "boxes": node.children.iter().map(box_json).collect::<Vec<_>>(),
    })
}

/// A segment, and its prompts where the track is known.
struct Segment {
    offset: u64,
    bytes: usize,
    media: MediaSegment,
    coded: Option<CodedSegment>,
}

impl Segment {
    /// Reads the segment at `offset` of its file; with its track also the samples, down to the
    /// prompts. `place` is the file and the segment, for errors.
    fn read(
        bytes: &[u8],
        offset: u64,
        track: Option<&Track>,
        place: &str,
    ) -> Result<Self, InspectError> {
        let damaged = |source| InspectError::Segment {
            place: place.to_owned(),
            source,
        };
        let media = read_media(bytes).map_err(damaged)?;
        let coded = track.map(|track| CodedSegment::read(track, &media));
        let coded = coded.transpose().map_err(damaged)?;
        if let (Some(track), Some(coded)) = (track, &coded) {
            check_prompts(track, coded, place)?;
        }
        Ok(Self {
            offset,
            bytes: bytes.len(),
            media,
            coded,
        })
    }

    /// Position and layer sizes of keyframe `index`.
    fn keyframe(&self, index: usize) -> Option<(u32, Vec<usize>)> {
        let keyframe = self.coded.as_ref()?.keyframes.get(index)?;
        let layers = keyframe.layers.iter().map(|layer| layer.len());
        Some((keyframe.position, layers.collect()))
    }

    fn json(&self) -> Value {
        let durations = self.media.samples.iter();
        let duration_ticks: u64 = durations.map(|sample| u64::from(sample.duration)).sum();
        let coded = self.coded.as_ref();
        let latent = coded.and_then(|coded| coded.start_latent.as_ref());
        let samples = self
            .media
            .samples
            .iter()
            .enumerate()
            .map(|(index, sample)| {
                let (position, layers) = self.keyframe(index).unzip();
                json!({
                    "bytes": sample.data.len(), "duration_ticks": sample.duration,
                    "keyframe": position, "layer_bytes": layers,
                })
            });
        json!({
            "number": self.media.sequence, "offset": self.offset, "bytes": self.bytes,
            "start_ticks": self.media.start_ticks, "duration_ticks": duration_ticks,
            "sap": self.media.sap, "frames": coded.map(|coded| coded.frames),
            "start_latent_bytes": latent.map(|latent| latent.len()),
            "samples": samples.collect::<Vec<_>>(),
        })
    }
}

/// Decodes the prompts; those of a layer need the rung below and are skipped.
fn check_prompts(track: &Track, coded: &CodedSegment, place: &str) -> Result<(), InspectError> {
    if track.first_component > 0 {
        return Ok(());
    }
    let damaged = |source| InspectError::Prompt {
        place: place.to_owned(),
        source,
    };
    let mut decoder = KeyframeDecoder::new(track.coding).map_err(damaged)?;
    for keyframe in &coded.keyframes {
        let layers: Vec<&[u8]> = keyframe.layers.iter().map(AsRef::as_ref).collect();
        decoder.push(&layers).map_err(damaged)?;
    }
    Ok(())
}
