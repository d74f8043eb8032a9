//! One media file, init segment or media segment: boxes, track, segments, samples, layers.

use crate::package::PackageError;
use crate::prompt::{KeyframeDecoder, PromptError};
use crate::segment::coded::CodedSegment;
use crate::segment::file::MediaFile;
use crate::segment::init::{Init, read_init};
use crate::segment::media::read_media;
use crate::segment::tree::{BoxNode, box_tree};
use crate::segment::{SegmentError, Track};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Larger files are not read, in bytes.
const MAX_FILE: u64 = 1 << 31;

/// Reads and checks a media file, an init segment or a media segment of at most 2 GiB; `init` names a
/// file with the track of a bare media segment, without which its samples are not decoded.
pub fn file(path: &Path, init: Option<&Path>) -> Result<Value, PackageError> {
    let (name, bytes) = (path.display().to_string(), read_file(path)?);
    let tree = box_tree(&bytes).map_err(damaged(&name))?;
    let has = |kind: &[u8; 4]| tree.iter().any(|node| &node.kind.0 == kind);
    let (mut kind, mut duration_s, mut kbps) = ("init", None, None);
    let mut segments = Vec::new();
    let track = if has(b"sidx") {
        let layout = MediaFile::read(&bytes, bytes.len() as u64).map_err(damaged(&name))?;
        (kind, kbps) = ("file", Some(layout.true_rate() / 1000.0));
        duration_s = Some(layout.init.duration.seconds());
        let track = layout.init.track;
        for (number, segment) in (1..).zip(&layout.segments) {
            let (start, end) = (segment.range.start, segment.range.end);
            let place = format!("{name}: segment {number} at byte {start}");
            let bytes = &bytes[start as usize..end as usize];
            segments.push(self::segment(bytes, start, Some(&track), &place)?);
        }
        Some(track)
    } else if has(b"moov") || !has(b"moof") {
        let init = Init::read(&bytes).map_err(damaged(&name))?;
        duration_s = Some(init.duration.seconds());
        Some(init.track)
    } else {
        kind = "segment";
        let track = init
            .map(|path| read_init(&read_file(path)?).map_err(damaged(&path.display().to_string())));
        let track = track.transpose()?;
        segments.push(segment(
            &bytes,
            0,
            track.as_ref(),
            &format!("{name}: segment"),
        )?);
        track
    };
    Ok(json!({
        "kind": kind, "path": path, "bytes": bytes.len(), "duration_s": duration_s, "kbps": kbps,
        "boxes": tree.iter().map(box_json).collect::<Vec<_>>(),
        "track": track.as_ref().map(super::track), "segments": segments,
    }))
}

fn read_file(path: &Path) -> Result<Vec<u8>, PackageError> {
    let failed = |source| PackageError::Io {
        path: path.to_owned(),
        source,
    };
    match fs::metadata(path).map_err(failed)?.len() {
        bytes if bytes > MAX_FILE => Err(PackageError::invalid(
            path.display(),
            format!("{bytes} bytes, more than 2 GiB"),
        )),
        _ => fs::read(path).map_err(failed),
    }
}

/// The error of a box at `place`, a file and the segment in it.
fn damaged(place: &str) -> impl Fn(SegmentError) -> PackageError {
    move |source| PackageError::Segment {
        file: place.to_owned(),
        source,
    }
}

fn box_json(node: &BoxNode) -> Value {
    json!({
        "kind": node.kind.to_string(), "offset": node.offset, "bytes": node.size,
        "boxes": node.children.iter().map(box_json).collect::<Vec<_>>(),
    })
}

/// The segment at `offset` of its file; with its track also the samples, down to the prompts. `place`
/// is the file and the segment, for errors.
fn segment(
    bytes: &[u8],
    offset: u64,
    track: Option<&Track>,
    place: &str,
) -> Result<Value, PackageError> {
    let media = read_media(bytes).map_err(damaged(place))?;
    let coded = track.map(|track| CodedSegment::read(track, &media));
    let coded = coded.transpose().map_err(damaged(place))?;
    if let (Some(track), Some(coded)) = (track, &coded) {
        check_prompts(track, coded)
            .map_err(|error| PackageError::invalid(place, error.to_string()))?;
    }
    let samples = media.samples.iter().enumerate().map(|(index, sample)| {
        let keyframe = coded.as_ref().and_then(|coded| coded.keyframes.get(index));
        let layers = keyframe.map(|keyframe| keyframe.layers.iter().map(|layer| layer.len()));
        json!({
            "bytes": sample.data.len(), "duration_ticks": sample.duration,
            "keyframe": keyframe.map(|keyframe| keyframe.position),
            "layer_bytes": layers.map(Iterator::collect::<Vec<_>>),
        })
    });
    let durations = media.samples.iter();
    let duration_ticks: u64 = durations.map(|sample| u64::from(sample.duration)).sum();
    let latent = coded.as_ref().and_then(|coded| coded.start_latent.as_ref());
    Ok(json!({
        "number": media.sequence, "offset": offset, "bytes": bytes.len(),
        "start_ticks": media.start_ticks, "duration_ticks": duration_ticks, "sap": media.sap,
        "frames": coded.as_ref().map(|coded| coded.frames),
        "start_latent_bytes": latent.map(|latent| latent.len()),
        "samples": samples.collect::<Vec<_>>(),
    }))
}

/// Decodes the prompts; those of a layer need the rung below and are skipped.
fn check_prompts(track: &Track, coded: &CodedSegment) -> Result<(), PromptError> {
    if track.first_component > 0 {
        return Ok(());
    }
    let mut decoder = KeyframeDecoder::new(track.coding)?;
    for keyframe in &coded.keyframes {
        let layers: Vec<&[u8]> = keyframe.layers.iter().map(AsRef::as_ref).collect();
        decoder.push(&layers)?;
    }
    Ok(())
}
