//! SegmentList (ISO/IEC 23009-1 §5.3.9.3): every segment by its URL, its range, or both.

use super::levels::Levels;
use super::timeline::{Period, Span, spans};
use crate::manifest::{ManifestError, Representation, SegmentRef};
use crate::time::MediaTime;

/// Fills in the init segment and the segments of `rung`, the first marked as a random access point and
/// the others if `independent`.
pub(super) fn fill(
    rung: &mut Representation,
    levels: &Levels<'_>,
    period: Period,
    independent: bool,
) -> Result<(), ManifestError> {
    let init = levels.initialization()?;
    (rung.url, rung.init) = init.ok_or_else(|| levels.invalid("", "an <Initialization>"))?;
    let timescale = levels.timescale()?;
    let urls = levels.children("SegmentURL");
    let times = times(levels, period, urls.len())?;
    for (at, (element, (start, duration))) in urls.into_iter().zip(times).enumerate() {
        rung.segments.push(SegmentRef {
            start: MediaTime::new(start, timescale),
            duration: MediaTime::new(duration, timescale),
            url: levels.url(element, "media")?,
            range: levels.range(element, "mediaRange")?,
            key_frame_end: None,
            sap: independent || at == 0,
        });
    }
    Ok(())
}

/// The times of `count` segments. One alone may go without: it lasts as long as the period.
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
