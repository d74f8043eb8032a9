//! One media file, init segment or media segment: boxes, track, segments, samples, layers.

use super::track::TrackReport;
use crate::cli::CliError;
use crate::prompt::KeyframeDecoder;
use crate::segment::coded::CodedSegment;
use crate::segment::file::MediaFile;
use crate::segment::init::{Init, read_init};
use crate::segment::media::{MediaSegment, read_media};
use crate::segment::tree::{BoxNode, box_tree};
use crate::segment::{SegmentError, Track};
use serde::Serialize;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Larger files are not read, in bytes.
const MAX_FILE: u64 = 1 << 31;

#[derive(Serialize)]
pub(super) struct MediaReport {
    kind: Kind,
    path: String,
    bytes: u64,
    duration_s: Option<f64>,
    /// True rate: init and media segments over the duration.
    kbps: Option<f64>,
    boxes: Vec<BoxReport>,
    track: Option<TrackReport>,
    segments: Vec<SegmentReport>,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    File,
    Init,
    Segment,
}

#[derive(Serialize)]
struct BoxReport {
    kind: String,
    offset: u64,
    bytes: u64,
    boxes: Vec<BoxReport>,
}

#[derive(Serialize)]
struct SegmentReport {
    number: u32,
    offset: u64,
    bytes: u64,
    start_ticks: u64,
    duration_ticks: u64,
    sap: bool,
    /// Present if the track is known; so are the keyframes' positions and layers.
    frames: Option<u32>,
    start_latent_bytes: Option<usize>,
    samples: Vec<SampleReport>,
}

#[derive(Serialize)]
struct SampleReport {
    bytes: usize,
    duration_ticks: u32,
    keyframe: Option<u32>,
    layer_bytes: Option<Vec<usize>>,
}

/// Reads and checks the file at `path`; `init` may name the file with the track of a bare segment.
pub(super) fn read(path: &Path, init: Option<&Path>) -> Result<MediaReport, CliError> {
    let bytes = read_file(path)?;
    let tree = box_tree(&bytes).map_err(in_file(path))?;
    let has = |kind: &[u8; 4]| tree.iter().any(|node| &node.kind.0 == kind);
    let mut report = MediaReport {
        kind: Kind::Init,
        path: path.display().to_string(),
        bytes: bytes.len() as u64,
        duration_s: None,
        kbps: None,
        boxes: tree.iter().map(BoxReport::new).collect(),
        track: None,
        segments: Vec::new(),
    };
    if has(b"sidx") {
        read_whole(path, &bytes, &mut report)?;
    } else if has(b"moov") || !has(b"moof") {
        let init = Init::read(&bytes).map_err(in_file(path))?;
        report.track = Some(TrackReport::new(&init.track));
        report.duration_s = Some(init.duration.seconds());
    } else {
        let track = init.map(read_track).transpose()?;
        report.kind = Kind::Segment;
        let segment = SegmentReport::read(&bytes, 0, track.as_ref());
        report
            .segments
            .push(segment.map_err(within(path, "segment"))?);
        report.track = track.as_ref().map(TrackReport::new);
    }
    Ok(report)
}

fn read_whole(path: &Path, bytes: &[u8], report: &mut MediaReport) -> Result<(), CliError> {
    let layout = MediaFile::read(bytes, bytes.len() as u64).map_err(in_file(path))?;
    let track = &layout.init.track;
    for (number, segment) in (1..).zip(&layout.segments) {
        let (start, end) = (segment.range.start, segment.range.end);
        let segment = SegmentReport::read(&bytes[start as usize..end as usize], start, Some(track));
        let segment =
            segment.map_err(within(path, &format!("segment {number} at byte {start}")))?;
        report.segments.push(segment);
    }
    report.kind = Kind::File;
    report.duration_s = Some(layout.init.duration.seconds());
    report.kbps = Some(layout.true_rate() / 1000.0);
    report.track = Some(TrackReport::new(track));
    Ok(())
}

fn read_track(path: &Path) -> Result<Track, CliError> {
    Ok(read_init(&read_file(path)?).map_err(in_file(path))?)
}

fn read_file(path: &Path) -> Result<Vec<u8>, CliError> {
    let named = |error: io::Error| CliError::input(format!("{}: {error}", path.display()));
    let size = File::open(path)
        .and_then(|file| file.metadata())
        .map_err(named)?
        .len();
    if size > MAX_FILE {
        let message = format!("{}: {size} bytes, more than 2 GiB", path.display());
        return Err(CliError::input(message));
    }
    fs::read(path).map_err(named)
}

/// A segment-level error with the file that it is in.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {source}")]
struct FileError {
    file: String,
    source: Box<dyn Error + Send + Sync>,
}

fn in_file(path: &Path) -> impl FnOnce(SegmentError) -> FileError {
    let file = path.display().to_string();
    move |source| FileError {
        file,
        source: source.into(),
    }
}

fn within(path: &Path, what: &str) -> impl FnOnce(Box<dyn Error + Send + Sync>) -> FileError {
    let file = format!("{}: {what}", path.display());
    move |source| FileError { file, source }
}

impl BoxReport {
    fn new(node: &BoxNode) -> Self {
        Self {
            kind: node.kind.to_string(),
            offset: node.offset,
            bytes: node.size,
            boxes: node.children.iter().map(Self::new).collect(),
        }
    }
}

impl SegmentReport {
    /// Reads a segment; with its track also what the samples hold, down to the prompts.
    fn read(
        bytes: &[u8],
        offset: u64,
        track: Option<&Track>,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let media = read_media(bytes)?;
        let coded = track
            .map(|track| CodedSegment::read(track, &media))
            .transpose()?;
        if let (Some(track), Some(coded)) = (track, &coded) {
            check_prompts(track, coded)?;
        }
        let durations = media
            .samples
            .iter()
            .map(|sample| u64::from(sample.duration));
        let latent = coded.as_ref().and_then(|coded| coded.start_latent.as_ref());
        Ok(Self {
            number: media.sequence,
            offset,
            bytes: bytes.len() as u64,
            start_ticks: media.start_ticks,
            duration_ticks: durations.sum(),
            sap: media.sap,
            frames: coded.as_ref().map(|coded| coded.frames),
            start_latent_bytes: latent.map(|latent| latent.len()),
            samples: samples(&media, coded.as_ref()),
        })
    }
}

/// Decodes the prompts; those of a layer need the rung below and are left alone.
fn check_prompts(track: &Track, coded: &CodedSegment) -> Result<(), crate::prompt::PromptError> {
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

fn samples(media: &MediaSegment, coded: Option<&CodedSegment>) -> Vec<SampleReport> {
    let samples = media.samples.iter().enumerate().map(|(index, sample)| {
        let keyframe = coded.and_then(|coded| coded.keyframes.get(index));
        SampleReport {
            bytes: sample.data.len(),
            duration_ticks: sample.duration,
            keyframe: keyframe.map(|keyframe| keyframe.position),
            layer_bytes: keyframe.map(|k| k.layers.iter().map(|layer| layer.len()).collect()),
        }
    });
    samples.collect()
}

/// The report as text.
pub(super) fn describe(report: &MediaReport, out: &mut Vec<u8>) -> io::Result<()> {
    writeln!(out, "{}: {} bytes", report.path, report.bytes)?;
    if let Some(duration) = report.duration_s {
        writeln!(out, "duration {duration:.3} s")?;
    }
    if let Some(kbps) = report.kbps {
        writeln!(out, "true rate {kbps:.2} kbit/s")?;
    }
    if let Some(track) = &report.track {
        track.describe("", out)?;
    }
    writeln!(out, "\n    offset      bytes  box")?;
    report
        .boxes
        .iter()
        .try_for_each(|node| describe_box(node, 0, out))?;
    report
        .segments
        .iter()
        .try_for_each(|segment| describe_segment(segment, out))
}

fn describe_box(node: &BoxReport, depth: usize, out: &mut Vec<u8>) -> io::Result<()> {
    let indent = 2 * depth;
    writeln!(
        out,
        "{:>10} {:>10}  {:indent$}{}",
        node.offset, node.bytes, "", node.kind
    )?;
    node.boxes
        .iter()
        .try_for_each(|child| describe_box(child, depth + 1, out))
}

fn describe_segment(segment: &SegmentReport, out: &mut Vec<u8>) -> io::Result<()> {
    let frames = segment
        .frames
        .map(|frames| format!(" ({frames} frames)"))
        .unwrap_or_default();
    let sap = if segment.sap {
        ""
    } else {
        ", continues the one before"
    };
    writeln!(
        out,
        "\nsegment {} at {}: {} bytes, {} keyframes, ticks {} to {}{frames}{sap}",
        segment.number,
        segment.offset,
        segment.bytes,
        segment.samples.len(),
        segment.start_ticks,
        segment.start_ticks.saturating_add(segment.duration_ticks)
    )?;
    if let Some(bytes) = segment.start_latent_bytes {
        writeln!(out, "  start latent {bytes} bytes")?;
    }
    for sample in &segment.samples {
        let keyframe = sample
            .keyframe
            .map(|at| format!("frame {at:>4}: "))
            .unwrap_or_default();
        let layers = sample
            .layer_bytes
            .as_deref()
            .map(layer_list)
            .unwrap_or_default();
        writeln!(out, "  {keyframe}{:>6} bytes{layers}", sample.bytes)?;
    }
    Ok(())
}

fn layer_list(layers: &[usize]) -> String {
    let sizes: Vec<String> = layers.iter().map(usize::to_string).collect();
    format!(", layers {}", sizes.join(" + "))
}
