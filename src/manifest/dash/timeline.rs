//! When segments start and how long they last: SegmentTimeline (ISO/IEC 23009-1 §5.3.9.6), or one
//! `@duration` for all (§5.3.9.5.3).
//!
//! A negative `@r` repeats up to the next `S@t` or to the end of the period, and so do segments of one
//! `@duration`; the last of them ends there.

use super::levels::Levels;
use super::tree::Element;
use crate::manifest::ManifestError;
use crate::manifest::clock::whole_frames;
use crate::manifest::error::MAX_SEGMENTS;
use crate::time::FrameRate;

/// Start and length of a segment, in ticks; starts count from that of the period.
pub(super) type Span = (u64, u64);

/// What is known of the period around the segments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    /// How long it lasts, seconds, where the MPD says.
    pub(super) duration_s: Option<f64>,
    /// Frames a second in it.
    pub(super) rate: FrameRate,
}

/// The spans of all segments.
pub(super) fn spans(levels: &Levels<'_>, period: Period) -> Result<Vec<Span>, ManifestError> {
    let timeline = Timeline::new(levels, period)?;
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

impl<'a> Timeline<'a> {
    fn new(levels: &'a Levels<'a>, period: Period) -> Result<Self, ManifestError> {
        Ok(Self {
            levels,
            period,
            ticks_a_second: f64::from(levels.timescale()?.ticks()),
            offset: levels.number("presentationTimeOffset", 0)?,
            spans: Vec::new(),
        })
    }

    /// The end of the period in ticks from its start, at a whole frame.
    fn end(&self) -> Option<u64> {
        let frames = whole_frames(self.period.duration_s?, self.period.rate)?;
        let seconds = frames as f64 / self.period.rate.fps();
        Some((seconds * self.ticks_a_second).round() as u64)
    }

    fn listed(mut self, element: &Element) -> Result<Vec<Span>, ManifestError> {
        let mut next = self.offset;
        let all: Vec<&Element> = element.all("S").collect();
        for (index, s) in all.iter().enumerate() {
            next = self.field(s, "t", Some(next))?;
            let duration = self.field(s, "d", None)?;
            if duration == 0 || next < self.offset {
                let expected = "durations from 1 up, none before @presentationTimeOffset";
                return Err(self.levels.at(s, "<S>", expected));
            }
            let start = next - self.offset;
            let repeats: i64 = s
                .get("r")
                .map_or(Some(0), |r| r.parse().ok())
                .ok_or_else(|| {
                    let expected = "a whole number, negative for as many as fit";
                    self.levels.at(s, "<S>@r", expected)
                })?;
            next = match u64::try_from(repeats) {
                Ok(repeats) => self.repeat(s, (start, duration), repeats)?,
                Err(_) => {
                    let end = self.end_of_run(s, all.get(index + 1).copied())?;
                    self.fill(s, (start, duration), end)?
                }
            };
            next = next.saturating_add(self.offset);
        }
        Ok(self.spans)
    }

    /// Where the repeats of `s` end, which `@r` does not say: where the next one starts, or the period
    /// ends.
    fn end_of_run(&self, s: &Element, next: Option<&Element>) -> Result<u64, ManifestError> {
        let Some(next) = next else {
            return self.end().ok_or_else(|| {
                let expected = "a number of repeats: neither <Period>@duration nor \
                                <MPD>@mediaPresentationDuration says where they end";
                self.levels.at(s, "<S>@r", expected)
            });
        };
        if next.get("t").is_none() {
            let expected = "a number of repeats: the next <S> has no @t at which they could end";
            return Err(self.levels.at(s, "<S>@r", expected));
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
        let anywhere = Element::default();
        match (self.numbered()?, self.end()) {
            (0, None) => {
                let expected = "<Period>@duration or <MPD>@mediaPresentationDuration, which tells \
                                how many segments there are";
                return Err(levels.invalid("duration", expected));
            }
            (0, Some(end)) => {
                self.fill(&anywhere, (0, duration), end)?;
            }
            (numbered, end) => {
                self.repeat(&anywhere, (0, duration), numbered - 1)?;
                let last = self.spans.last_mut();
                // The last one lasts as long as the period does, if that is near what is stated.
                if let (Some(last), Some(end)) = (last, end)
                    && (1..=duration + duration / 2).contains(&end.saturating_sub(last.0))
                {
                    last.1 = end - last.0;
                }
            }
        }
        Ok(self.spans)
    }

    /// How many segments there are, where that is stated: SegmentURLs, or up to `@endNumber`; else 0.
    fn numbered(&self) -> Result<u64, ManifestError> {
        let levels = self.levels;
        if levels.get("endNumber").is_none() {
            return Ok(levels.children("SegmentURL").len() as u64);
        }
        let end = levels.number("endNumber", 0)?.saturating_add(1);
        Ok(end.saturating_sub(levels.number("startNumber", 1)?))
    }

    /// Segments of `span` and its length up to `end`, the last as long as there is room; where they end.
    fn fill(
        &mut self,
        s: &Element,
        (start, duration): Span,
        end: u64,
    ) -> Result<u64, ManifestError> {
        // What is less than half a frame too long or too short is rounding.
        let slack = (self.ticks_a_second / self.period.rate.fps() / 2.0) as u64;
        let room = end.saturating_sub(start).saturating_sub(slack);
        let count = room.div_ceil(duration).max(1);
        let whole_end = self.repeat(s, (start, duration), count - 1)?;
        let differs = whole_end.abs_diff(end) > slack;
        match self.spans.last_mut() {
            Some(last) if differs && last.0 < end && end < whole_end => {
                last.1 = end - last.0;
                Ok(end)
            }
            _ => Ok(whole_end),
        }
    }

    /// A segment of `span` and `repeats` more; where they end.
    fn repeat(
        &mut self,
        s: &Element,
        (start, duration): Span,
        repeats: u64,
    ) -> Result<u64, ManifestError> {
        if repeats >= (MAX_SEGMENTS - self.spans.len().min(MAX_SEGMENTS)) as u64 {
            let expected = format!("at most {MAX_SEGMENTS} segments");
            return Err(match s.name.as_str() {
                "S" => self.levels.at(s, "<S>", &expected),
                _ => self.levels.invalid("duration", &expected),
            });
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
        value.ok_or_else(|| {
            let place = format!("<S>@{name}");
            self.levels.at(s, &place, "a whole number from 0 up")
        })
    }
}
