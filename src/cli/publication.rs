//! A title put together from an encode's finished segments, published, and what came of it.

use crate::manifest::{Metrics, Representation};
use crate::package::work::Assembly;
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
pub(super) struct Published {
    title: String,
    hash: String,
    frames: u64,
    segments: usize,
    pub(super) duration_s: f64,
    rungs: Vec<Stream>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    layers: Vec<Stream>,
}

#[derive(Serialize)]
struct Stream {
    id: String,
    rank: u32,
    kbps: f64,
    bytes: u64,
    segments: usize,
    keyframes: usize,
    #[serde(flatten)]
    mean: Metrics,
}

impl Published {
    pub(super) fn new(folder: &Path, assembly: &Assembly) -> Self {
        let Assembly { content, files } = assembly;
        let presentation = &files.presentation;
        let duration_s = presentation.duration.seconds();
        // All rungs have the same segments and keyframes.
        let segments = content.rungs.first().map_or(&[][..], |rung| &rung.segments);
        let keyframes = segments.iter().map(|segment| segment.keyframes.len()).sum();
        let stream = |stream: &Representation| {
            let mut measured = content.quality.iter().flat_map(|quality| &quality.rungs);
            let measured = measured.find(|rung| rung.id == stream.id);
            Stream {
                id: stream.id.clone(),
                rank: stream.rank,
                kbps: stream.kbps(duration_s),
                bytes: stream.media_bytes(),
                segments: segments.len(),
                keyframes,
                mean: measured.map(|rung| rung.mean).unwrap_or_default(),
            }
        };
        let groups = &presentation.groups;
        let rungs = groups.iter().flat_map(|group| &group.representations);
        let layers = groups.iter().flat_map(|group| &group.layers);
        Self {
            title: folder.display().to_string(),
            hash: files.hash.clone(),
            frames: segments.iter().map(|s| u64::from(s.frames)).sum(),
            segments: segments.len(),
            duration_s,
            rungs: rungs.map(stream).collect(),
            layers: layers.map(|layer| stream(&layer.stream)).collect(),
        }
    }

    /// The same for people, on stderr.
    pub(super) fn explain(&self) {
        eprintln!(
            "{}: {} frames in {} segments, {:.1} s",
            self.title, self.frames, self.segments, self.duration_s
        );
        for stream in self.rungs.iter().chain(&self.layers) {
            let psnr = stream.mean.psnr.map(|psnr| format!(", {psnr:.2} dB"));
            let lpips = stream.mean.lpips_squeeze;
            let lpips = lpips.map(|lpips| format!(", LPIPS-squeeze {lpips:.3}"));
            let (psnr, lpips) = (psnr.unwrap_or_default(), lpips.unwrap_or_default());
            eprintln!("  {}: {:.1} kbit/s{psnr}{lpips}", stream.id, stream.kbps);
        }
    }
}
