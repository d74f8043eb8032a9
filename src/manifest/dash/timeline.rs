//! When segments start and how long they last: SegmentTimeline (ISO/IEC 23009-1 §5.3.9.6), or one
//! `@duration` for all (§5.3.9.5.3).
//!
//! A negative `@r` repeats up to the next `S@t` or to the end of the period, and so do segments of one
//! `@duration`; the last of them ends there.

use super::levels::{Levels, Place};
use super::tree::Element;
use crate::manifest::clock::whole_frames;
use crate::manifest::error::MAX_SEGMENTS;
use crate::manifest::{ManifestError, SegmentRef};
use crate::time::{FrameRate, MediaTime};

/// Start and length of a segment, in ticks; starts count from that of the period.
pub(super) type Span = (u64, u64);

/// The period around the segments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    /// Seconds, if the MPD states them.
    pub(super) duration_s: Option<f64>,
    /// Frames a second.
    pub(super) rate: FrameRate,
    /// Whether every segment, not only the first, is a random access point.
    pub(super) independent: bool,
}

/// The segments at `spans`; `place` gives the place of each by its index and start.
pub(super) fn segments(
    levels: &Levels<'_>,
    period: Period,
    spans: Vec<Span>,
    place: impl Fn(usize, u64) -> Result<Place, ManifestError>,
) -> Result<Vec<SegmentRef>, ManifestError> {
    let timescale = levels.timescale()?;
    let spans = spans.into_iter().enumerate();
    let segments = spans.map(|(index, (start, duration))| {
        let (url, range) = place(index, start)?;
        Ok(SegmentRef {
            start: MediaTime::new(start, timescale),
            duration: MediaTime::new(duration, timescale),
            url,
            range,
            key_frame_end: None,
            sap: period.independent || index == 0,
        })
    });
    segments.collect()
}

/// The spans of all segments.
pub(super) fn spans(levels: &Levels<'_>, period: Period) -> Result<Vec<Span>, ManifestError> {
    let timeline = Timeline {
        levels,
        period,
        ticks_a_second: f64::from(levels.timescale()?.ticks()),
        offset: levels.number("presentationTimeOffset", 0)?,
        spans: Vec::new(),
    };
    match levels.child("SegmentTimeline") {
        Some(element) => timeline.listed(element),
        None => timeline.regular(),
    }
}

struct Timeline<'a> {
    levels: &'a Levels<'a>,
    period: Period,
    ticks_a_second: f64,
    /// Where the period starts on the segments' own clock.
    offset: u64,
    spans: Vec<Span>,
}

/// An element and its attribute, for errors.
type At<'a> = (&'a Element, &'static str);

impl Timeline<'_> {
    /// The end of the period in ticks from its start, at a whole frame.
    fn end(&self) -> Option<u64> {
        let frames = whole_frames(self.period.duration_s?, self.period.rate)?;
        let seconds = frames as f64 / self.period.rate.fps();
        Some((seconds * self.ticks_a_second).round() as u64)
    }

    fn listed(mut self, element: &Element) -> Result<Vec<Span>, ManifestError> {
        let source = self.levels.source;
        let mut next = self.offset;
        let all: Vec<&Element> = element.all("S").collect();
        for (index, &s) in all.iter().enumerate() {
            next = self.field(s, "t", Some(next))?;
            let duration = self.field(s, "d", None)?;
            if duration == 0 || next < self.offset {
                let expected = "durations from 1 up, none before @presentationTimeOffset";
                return Err(s.invalid(source, "", expected));
            }
            let span = (next - self.offset, duration);
            let repeats = s.get("r").map_or(Ok(0), str::parse::<i64>).map_err(|_| {
                s.invalid(source, "r", "a whole number, negative for as many as fit")
            })?;
            next = match u64::try_from(repeats) {
                Ok(repeats) => self.repeat((s, ""), span, repeats)?,
                Err(_) => {
                    let end = self.end_of_run(s, all.get(index + 1).copied())?;
                    self.fill((s, ""), span, end)?
                }
            };
            next = next.saturating_add(self.offset);
        }
        Ok(self.spans)
    }

    /// Where the repeats of `s` with a negative `@r` end: at the start of the next one, or with the period.
    fn end_of_run(&self, s: &Element, next: Option<&Element>) -> Result<u64, ManifestError> {
        let invalid = |expected| s.invalid(self.levels.source, "r", expected);
        let Some(next) = next else {
            let expected = "a number of repeats: neither <Period>@duration nor \
                            <MPD>@mediaPresentationDuration says where they end";
            return self.end().ok_or_else(|| invalid(expected));
        };
        if next.get("t").is_none() {
            let expected = "a number of repeats: the next <S> has no @t at which they could end";
            return Err(invalid(expected));
        }
        let until = self.field(next, "t", None)?;
        Ok(until.saturating_sub(self.offset))
    }

    fn regular(mut self) -> Result<Vec<Span>, ManifestError> {
        let levels = self.levels;
        let duration = levels.number("duration", 0)?;
        if duration == 0 {
            let expected = "a SegmentTimeline or a @duration of at least one tick";
            return Err(levels.invalid("", expected));
        }
        let at = (levels.innermost(), "duration");
        match (self.numbered()?, self.end()) {
            (0, None) => {
                let expected = "<Period>@duration or <MPD>@mediaPresentationDuration, which tells \
                                how many segments there are";
                return Err(levels.invalid("duration", expected));
            }
            (0, Some(end)) => {
                self.fill(at, (0, duration), end)?;
            }
            (numbered, end) => {
                self.repeat(at, (0, duration), numbered - 1)?;
                // The last segment ends with the period if that makes it at most half longer.
                if let (Some(last), Some(end)) = (self.spans.last_mut(), end)
                    && (1..=duration + duration / 2).contains(&end.saturating_sub(last.0))
                {
                    last.1 = end - last.0;
                }
            }
        }
        Ok(self.spans)
    }

    /// The number of segments by the SegmentURLs or up to `@endNumber`; 0 where neither is stated.
    fn numbered(&self) -> Result<u64, ManifestError> {
        let levels = self.levels;
        if levels.get("endNumber").is_none() {
            return Ok(levels.children("SegmentURL").len() as u64);
        }
        let end = levels.number("endNumber", 0)?.saturating_add(1);
        Ok(end.saturating_sub(levels.number("startNumber", 1)?))
    }

    /// Adds segments like the span up to `end`, the last as long as there is room; returns where they end.
    fn fill(&mut self, at: At<'_>, span: Span, end: u64) -> Result<u64, ManifestError> {
        // A difference of less than half a frame is rounding.
        let slack = (self.ticks_a_second / self.period.rate.fps() / 2.0) as u64;
        let room = end.saturating_sub(span.0).saturating_sub(slack);
        let count = room.div_ceil(span.1).max(1);
        let whole_end = self.repeat(at, span, count - 1)?;
        let differs = whole_end.abs_diff(end) > slack;
        match self.spans.last_mut() {
            Some(last) if differs && last.0 < end && end < whole_end => {
                last.1 = end - last.0;
                Ok(end)
            }
            _ => Ok(whole_end),
        }
    }

    /// Adds the span and `repeats` more of its length; returns where they end.
    fn repeat(
        &mut self,
        (element, attribute): At<'_>,
        (start, duration): Span,
        repeats: u64,
    ) -> Result<u64, ManifestError> {
        if repeats >= (MAX_SEGMENTS - self.spans.len().min(MAX_SEGMENTS)) as u64 {
            let expected = format!("at most {MAX_SEGMENTS} segments");
            return Err(element.invalid(self.levels.source, attribute, &expected));
        }
        let mut next = start;
        for _ in 0..=repeats {
            self.spans.push((next, duration));
            next = next.saturating_add(duration);
        }
        Ok(next)
    }

    fn field(&self, s: &Element, name: &str, default: Option<u64>) -> Result<u64, ManifestError> {
        let value = s.get(name).map_or(default, |text| text.parse().ok());
        value.ok_or_else(|| s.invalid(self.levels.source, name, "a whole number from 0 up"))
    }
}
