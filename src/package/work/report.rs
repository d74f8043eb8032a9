//! `quality.json` from the measurements of the segments.

use super::FinishedSegment;
use crate::manifest::{Metrics, Presentation, QualityReport, RungQuality, SegmentQuality};

const NOT_MEASURED: Metrics = Metrics {
    psnr: None,
    ssim: None,
    ssimulacra2: None,
    lpips_squeeze: None,
};

/// `quality.json` of a title whose rungs were measured segment by segment.
pub(super) fn quality(presentation: &Presentation, segments: &[FinishedSegment]) -> QualityReport {
    let duration_s = presentation.duration.seconds();
    let groups = presentation.groups.iter();
    let representations = groups.flat_map(|group| &group.representations);
    let rungs = representations.enumerate().map(|(r, rung)| {
        let of_segment = |kept: &FinishedSegment| kept.metrics.get(r).copied().unwrap_or_default();
        let measured = segments.iter().map(|kept| {
            let frames = f64::from(kept.segment.frames);
            (frames, kept.metrics.get(r).unwrap_or(&NOT_MEASURED))
        });
        let spans = rung.segments.iter().zip(segments);
        RungQuality {
            id: rung.id.clone(),
            rank: rung.rank,
            kbps: rung.kbps(duration_s),
            mean: Metrics::weighted_mean(&measured.collect::<Vec<_>>()),
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
