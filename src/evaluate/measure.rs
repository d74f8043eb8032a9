//! The rungs of a title side by side, segment by segment, against the original.

use super::EvaluateError;
use super::codecs::Ffmpeg;
use super::originals::Originals;
use super::progress::{Observer, Progress};
use super::report::Report;
use super::rungs::Running;
use super::spool::Spool;
use crate::package::Title;
use crate::quality::Scorer;

/// Measures every rung of `title` on the device of [`device::best`](crate::model::device::best).
/// Frames are spooled if `originals` keeps its own, which are returned then. VMAF needs kept frames and
/// an `ffmpeg` that computes it.
///
/// Fails if the original is longer or shorter than the title, or a rung cannot be rendered.
pub fn measure(
    title: &Title,
    mut originals: Originals,
    scorer: &Scorer,
    ffmpeg: Option<&Ffmpeg>,
    observer: Observer<'_>,
) -> Result<(Report, Option<Spool>), EvaluateError> {
    let first = title.rungs().first().ok_or_else(EvaluateError::no_rungs)?;
    let (track, reference) = (first.track(), originals.name.clone());
    let new = |rung| Running::new(rung, originals.kept.is_some());
    let mut rungs: Vec<Running<'_>> = title.rungs().iter().map(new).collect::<Result<_, _>>()?;
    let ticks = u64::from(track.frame_rate.frame_ticks());
    let lengths = first
        .segments()
        .iter()
        .map(|segment| segment.duration.ticks / ticks);
    let (total, mut done) = (lengths.clone().sum(), 0);
    for (segment, length) in lengths.enumerate() {
        let targets = originals.take(length, total)?;
        for rung in &mut rungs {
            rung.measure(segment, &targets, scorer)?;
        }
        done += length;
        observer(Progress::Done(done, total));
    }
    let duration_s = title.presentation().duration.seconds();
    let kept = originals.finish()?;
    let finished = rungs
        .into_iter()
        .map(|rung| rung.finish(duration_s, kept.as_ref(), ffmpeg));
    let report = Report {
        title: title.folder().display().to_string(),
        reference,
        frames: total,
        duration_s,
        size: track.visible,
        fps: track.frame_rate.fps(),
        rungs: finished.collect::<Result<_, _>>()?,
        against: None,
    };
    Ok((report, kept))
}
