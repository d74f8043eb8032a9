//! SegmentList (ISO/IEC 23009-1 §5.3.9.3): every segment by its URL, its range, or both.

use super::levels::Levels;
use super::timeline::{Period, Span, segments, spans};
use crate::manifest::{ManifestError, Representation};

/// Fills in the init segment and the segments of `rung`.
pub(super) fn fill(
    rung: &mut Representation,
    levels: &Levels<'_>,
    period: Period,
) -> Result<(), ManifestError> {
    let init = levels.initialization()?;
    (rung.url, rung.init) = init.ok_or_else(|| levels.invalid("", "an <Initialization>"))?;
    let urls = levels.children("SegmentURL");
    let times = times(levels, period, urls.len())?;
    rung.segments = segments(levels, period, times, |index, _| {
        levels.place(urls[index], ["media", "mediaRange"])
    })?;
    Ok(())
}

/// The times of `count` segments. A single one without times lasts as long as the period.
fn times(levels: &Levels<'_>, period: Period, count: usize) -> Result<Vec<Span>, ManifestError> {
    let timed = levels.child("SegmentTimeline").is_some() || levels.get("duration").is_some();
    if let (false, 1, Some(seconds)) = (timed, count, period.duration_s) {
        let ticks = (seconds * f64::from(levels.timescale()?.ticks())).round() as u64;
        return Ok(vec![(0, ticks)]);
    }
    let times = spans(levels, period)?;
    if times.len() != count {
        let expected = format!(
            "as many <SegmentURL> as segments that the period has room for: {count} for {}",
            times.len()
        );
        return Err(levels.invalid("", &expected));
    }
    Ok(times)
}
