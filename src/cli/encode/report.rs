//! What an encode tells when it is done: effort, sizes and quality.

use super::work::Kept;
use crate::manifest::{
    Metrics, Presentation, QualityReport, Representation, RungQuality, SegmentQuality,
};
use crate::package::{TitleContent, TitleFiles};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// What the fit of the segments took that were not kept from an earlier run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Effort {
    /// Passes over the keyframes, summed over segments.
    pub(super) passes: u64,
    /// Frames generated.
    pub(super) visits: u64,
}

/// The result of the command.
#[derive(Serialize)]
pub(super) struct Report {
    title: String,
    hash: String,
    frames: u64,
    segments: usize,
    duration_s: f64,
    passes: u64,
    visits: u64,
    seconds: f64,
    seconds_per_second: f64,
    rungs: Vec<Rung>,
}

#[derive(Serialize)]
struct Rung {
    id: String,
    rank: u32,
    kbps: f64,
    bytes: u64,
    #[serde(flatten)]
    mean: Metrics,
}

impl Report {
    pub(super) fn new(
        out: &Path,
        content: &TitleContent,
        files: &TitleFiles,
        effort: Effort,
        elapsed: Duration,
    ) -> Self {
        let duration_s = files.presentation.duration.seconds();
        let seconds = elapsed.as_secs_f64();
        let segments = content.rungs.first().map_or(&[][..], |rung| &rung.segments);
        let quality = content.quality.as_ref();
        let rungs = representations(&files.presentation).map(|representation| {
            let measured = quality.and_then(|q| q.rungs.iter().find(|r| r.id == representation.id));
            let bytes = bytes_of(representation);
            Rung {
                id: representation.id.clone(),
                rank: representation.rank,
                kbps: kbps(bytes, duration_s),
                bytes,
                mean: measured.map(|rung| rung.mean).unwrap_or_default(),
            }
        });
        Self {
            title: out.display().to_string(),
            hash: files.hash.clone(),
            frames: segments.iter().map(|s| u64::from(s.frames)).sum(),
            segments: segments.len(),
            duration_s,
            passes: effort.passes,
            visits: effort.visits,
            seconds,
            seconds_per_second: seconds / duration_s,
            rungs: rungs.collect(),
        }
    }

    /// The same for people, on stderr.
    pub(super) fn explain(&self) {
        eprintln!(
            "{}: {} frames in {} segments, {:.1} s of video in {:.0} s ({:.1} s per second)",
            self.title,
            self.frames,
            self.segments,
            self.duration_s,
            self.seconds,
            self.seconds_per_second
        );
        for rung in &self.rungs {
            let psnr = rung.mean.psnr.map(|psnr| format!(", {psnr:.2} dB"));
            let lpips = rung.mean.lpips_squeeze;
            let lpips = lpips.map(|lpips| format!(", LPIPS-squeeze {lpips:.3}"));
            let (psnr, lpips) = (psnr.unwrap_or_default(), lpips.unwrap_or_default());
            eprintln!("  {}: {:.1} kbit/s{psnr}{lpips}", rung.id, rung.kbps);
        }
    }
}

/// `quality.json` of a title whose rungs were measured segment by segment.
pub(super) fn quality(presentation: &Presentation, segments: &[Kept]) -> QualityReport {
    let duration_s = presentation.duration.seconds();
    let rungs = representations(presentation).enumerate().map(|(r, rung)| {
        let of_segment = |kept: &Kept| kept.metrics.get(r).copied().unwrap_or_default();
        let spans = rung.segments.iter().zip(segments);
        RungQuality {
            id: rung.id.clone(),
            rank: rung.rank,
            kbps: kbps(bytes_of(rung), duration_s),
            mean: weighted_mean(segments, r),
            segments: spans
                .map(|(written, kept)| SegmentQuality {
                    start_s: written.start.seconds(),
                    duration_s: written.duration.seconds(),
                    bytes: written.range.map_or(0, |range| range.length),
                    metrics: of_segment(kept),
                })
                .collect(),
        }
    });
    QualityReport {
        version: 1,
        rungs: rungs.collect(),
    }
}

fn representations(presentation: &Presentation) -> impl Iterator<Item = &Representation> {
    let groups = presentation.groups.iter();
    groups.flat_map(|group| &group.representations)
}

/// Bytes of init and media segments.
fn bytes_of(rung: &Representation) -> u64 {
    let segments = rung.segments.iter().filter_map(|segment| segment.range);
    let ranges = rung.init.into_iter().chain(segments);
    ranges.map(|range| range.length).sum()
}

fn kbps(bytes: u64, seconds: f64) -> f64 {
    bytes as f64 * 8.0 / seconds / 1000.0
}

/// Means over all frames of rung number `rung`, from the means of the segments.
fn weighted_mean(segments: &[Kept], rung: usize) -> Metrics {
    let over = |pick: fn(&Metrics) -> Option<f64>| {
        let (mut sum, mut count) = (0.0, 0.0);
        for kept in segments {
            let frames = f64::from(kept.segment.frames);
            sum += frames * pick(kept.metrics.get(rung)?)?;
            count += frames;
        }
        (count > 0.0).then(|| sum / count)
    };
    Metrics {
        psnr: over(|m| m.psnr),
        ssim: over(|m| m.ssim),
        ssimulacra2: over(|m| m.ssimulacra2),
        lpips_squeeze: over(|m| m.lpips_squeeze),
    }
}
