//! A plan and its segments in, the content of a title out.

use super::report::quality;
use super::{FinishedSegment, Plan};
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
        return Err(PackageError::mixed("title", "there are no segments"));
    };
    for (planned, segment) in plan.segments.iter().zip(&kept) {
        let problem = difference(plan, planned.frames, first, segment);
        if let Some(problem) = problem {
            return Err(PackageError::mixed(&planned.name, problem));
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
    let top = plan.ranks.last().copied().unwrap_or(0);
    if kept.track.rank() != top {
        let rank = kept.track.rank();
        return Some(format!("its rank is {rank}, the plan's highest is {top}"));
    }
    if let Some(what) = track_difference(&first.track, &kept.track) {
        return Some(format!("its {what} differs from the first segment's"));
    }
    if kept.track.coding != first.track.coding {
        return Some("its coding differs from the first segment's".to_owned());
    }
    if kept.segment.frames != frames {
        let has = kept.segment.frames;
        return Some(format!("it has {has} frames, the plan says {frames}"));
    }
    let measured = kept.metrics.len();
    if ![0, plan.ranks.len()].contains(&measured) || measured != first.metrics.len() {
        let expected = first.metrics.len();
        return Some(format!(
            "{measured} rungs are measured, expected {expected}"
        ));
    }
    None
}
