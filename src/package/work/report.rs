//! `quality.json` from the measurements of the segments.

use super::Kept;
use crate::manifest::{
    Metrics, Presentation, QualityReport, Representation, RungQuality, SegmentQuality,
};

/// `quality.json` of a title whose rungs were measured segment by segment.
pub(super) fn quality(presentation: &Presentation, segments: &[Kept]) -> QualityReport {
    let duration_s = presentation.duration.seconds();
    let rungs = representations(presentation).enumerate().map(|(r, rung)| {
        let of_segment = |kept: &Kept| kept.metrics.get(r).copied().unwrap_or_default();
        let spans = rung.segments.iter().zip(segments);
        RungQuality {
            id: rung.id.clone(),
            rank: rung.rank,
            kbps: kbps(rung.media_bytes(), duration_s),
            mean: weighted_mean(segments, r),
            segments: spans
                .map(|(written, kept)| SegmentQuality {
                    start_s: written.start.seconds(),
                    duration_s: written.duration.seconds(),
                    bytes: written.range.map_or(0, |range| range.length),
                    measured_frames: kept.measured_frames,
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
