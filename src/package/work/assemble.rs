//! A plan and its segments in, the content of a title out.

use super::{FinishedSegment, Plan};
use crate::manifest::{Metrics, Presentation, QualityReport, RungQuality, SegmentQuality};
use crate::package::ladder::track_difference;
use crate::package::{PackageError, Rung, TitleContent, TitleFiles};

/// An assembled title.
#[derive(Debug, Clone)]
pub struct Assembly {
    /// Rungs, quality and poster.
    pub content: TitleContent,
    /// Its files.
    pub files: TitleFiles,
}

/// Assembles the title of `plan`; `fetch` gives a segment by its number in the plan. With `layers`,
/// the components that each rung adds to the one below become files, too.
///
/// Fails with `fetch`, or if a segment contradicts the plan or the first segment.
pub fn assemble(
    plan: &Plan,
    layers: bool,
    fetch: impl FnMut(usize) -> Result<FinishedSegment, PackageError>,
) -> Result<Assembly, PackageError> {
    let kept = (0..plan.segments.len()).map(fetch);
    let kept: Vec<FinishedSegment> = kept.collect::<Result<_, _>>()?;
    let Some(first) = kept.first() else {
        return Err(PackageError::invalid("title", "there are no segments"));
    };
    for (planned, segment) in plan.segments.iter().zip(&kept) {
        if let Some(problem) = difference(plan, planned.frames, first, segment) {
            return Err(PackageError::invalid(&planned.name, problem));
        }
    }
    let top = Rung {
        track: first.track.clone(),
        segments: kept.iter().map(|kept| kept.segment.clone()).collect(),
    };
    let poster = &kept[kept.len() / 2].poster;
    let mut content = TitleContent {
        rungs: plan.ranks.iter().map(|&rank| top.cut(rank)).collect(),
        poster: (!poster.is_empty()).then(|| poster.clone()),
        layers,
        source: plan.source.clone(),
        ..TitleContent::default()
    };
    let mut files = content.build()?;
    if !first.metrics.is_empty() {
        content.quality = Some(quality(&files.presentation, &kept));
        files = content.build()?;
    }
    Ok(Assembly { content, files })
}

/// How a segment contradicts the plan or the first segment, if it does.
fn difference(
    plan: &Plan,
    frames: u32,
    first: &FinishedSegment,
    kept: &FinishedSegment,
) -> Option<String> {
    let (rank, top) = (kept.track.rank(), plan.ranks.last().copied().unwrap_or(0));
    if rank != top {
        return Some(format!("its rank is {rank}, the plan's highest is {top}"));
    }
    let coding = (kept.track.coding != first.track.coding).then_some("coding");
    if let Some(what) = track_difference(&first.track, &kept.track).or(coding) {
        return Some(format!("its {what} differs from the first segment's"));
    }
    let has = kept.segment.frames;
    if has != frames {
        return Some(format!("it has {has} frames, the plan says {frames}"));
    }
    let (measured, expected) = (kept.metrics.len(), first.metrics.len());
    let wrong = ![0, plan.ranks.len()].contains(&measured) || measured != expected;
    wrong.then(|| format!("{measured} rungs are measured, expected {expected}"))
}

/// `quality.json` of a title whose rungs were measured segment by segment.
fn quality(presentation: &Presentation, segments: &[FinishedSegment]) -> QualityReport {
    let duration_s = presentation.duration.seconds();
    let groups = presentation.groups.iter();
    let representations = groups.flat_map(|group| &group.representations);
    let rungs = representations.enumerate().map(|(r, rung)| {
        let metrics = |kept: &FinishedSegment| kept.metrics.get(r).copied().unwrap_or_default();
        let measured: Vec<Metrics> = segments.iter().map(metrics).collect();
        let frames = segments.iter().map(|kept| f64::from(kept.segment.frames));
        let weighted: Vec<(f64, &Metrics)> = frames.zip(&measured).collect();
        let spans = rung.segments.iter().zip(segments);
        let segments = spans.map(|(written, kept)| SegmentQuality {
            start_s: written.start.seconds(),
            duration_s: written.duration.seconds(),
            bytes: written.range.map_or(0, |range| range.length),
            measured_frames: kept.measured_frames,
            metrics: metrics(kept),
        });
        RungQuality {
            id: rung.id.clone(),
            rank: rung.rank,
            kbps: rung.kbps(duration_s),
            mean: Metrics::weighted_mean(&weighted),
            segments: segments.collect(),
        }
    });
    QualityReport {
        version: 1,
        rungs: rungs.collect(),
    }
}
