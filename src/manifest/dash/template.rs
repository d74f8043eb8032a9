//! SegmentTemplate with SegmentTimeline (ISO/IEC 23009-1 §5.3.9.4 and §5.3.9.6), both ways.

use super::tree::Element;
use super::write::unwritable;
use crate::manifest::error::{MAX_SEGMENTS, MAX_URL, Source};
use crate::manifest::forms::{INIT_NAME, segment_name};
use crate::manifest::reference::{folder, join};
use crate::manifest::{Group, ManifestError, Representation, SegmentRef};
use crate::time::{MediaTime, Timescale};

/// The template that all rungs of a group share; each adds its folder as BaseURL.
pub(super) fn write(group: &Group) -> Result<Element, ManifestError> {
    let first = group.representations.first();
    let segments = first.map_or(&[][..], |rung| &rung.segments);
    if segments.is_empty() {
        return Err(unwritable(&group.profile, "it has no segments"));
    }
    let template = Element::new("SegmentTemplate")
        .with("timescale", group.frame_rate.timescale().ticks())
        .with("initialization", INIT_NAME)
        .with("media", segment_name(0).replace('0', "$Number$"))
        .with("startNumber", 1);
    Ok(template.child(Element::new("SegmentTimeline").children(runs(segments))))
}

/// The folder of a rung whose URLs are those of the segment-URL form.
pub(super) fn folder_of(rung: &Representation) -> Result<&str, ManifestError> {
    let folder = folder(&rung.url);
    let urls = rung.segments.iter().enumerate();
    let fits = rung.url.ends_with(INIT_NAME)
        && urls.into_iter().all(|(index, segment)| {
            segment.url.strip_prefix(folder) == Some(&segment_name(index + 1))
        });
    match fits {
        true => Ok(folder),
        false => Err(unwritable(
            &rung.id,
            "its URLs are not init.mp4, 1.m4s, 2.m4s, … of one folder",
        )),
    }
}

/// One `S` for every run of equal durations.
fn runs(segments: &[SegmentRef]) -> Vec<Element> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for segment in segments {
        match runs.last_mut() {
            Some((duration, repeats)) if *duration == segment.duration.ticks => *repeats += 1,
            _ => runs.push((segment.duration.ticks, 0)),
        }
    }
    let elements = runs.iter().enumerate().map(|(index, (duration, repeats))| {
        let mut s = Element::new("S");
        if index == 0 {
            s = s.with("t", segments[0].start.ticks);
        }
        s = s.with("d", duration);
        if *repeats > 0 {
            s = s.with("r", repeats);
        }
        s
    });
    elements.collect()
}

/// A template as an AdaptationSet and a Representation together give it.
pub(super) struct Template<'a> {
    /// From the outer to the inner; the inner overrides.
    pub(super) levels: Vec<&'a Element>,
    pub(super) source: &'a Source<'a>,
    /// What the URLs are relative to.
    pub(super) base: &'a str,
}

impl Template<'_> {
    /// The URL of the init segment.
    pub(super) fn init(&self, rung: &Representation) -> Result<String, ManifestError> {
        let pattern = self.required("initialization")?;
        self.expand(pattern, rung, None)
    }

    /// The segments, the first marked as a random access point and the others if `independent`.
    pub(super) fn segments(
        &self,
        rung: &Representation,
        independent: bool,
    ) -> Result<Vec<SegmentRef>, ManifestError> {
        let timescale = self.number("timescale", 1)?;
        let timescale = u32::try_from(timescale)
            .ok()
            .and_then(|t| Timescale::new(t).ok());
        let timescale = timescale.ok_or_else(|| self.invalid("timescale", "1 to 2^32 − 1"))?;
        let pattern = self.required("media")?;
        let start_number = self.number("startNumber", 1)?;
        let offset = self.number("presentationTimeOffset", 0)?;
        let mut segments = Vec::new();
        for (at, (start, duration)) in self.timeline(offset)?.into_iter().enumerate() {
            let number = start_number.saturating_add(at as u64);
            let url = self.expand(pattern, rung, Some((number, offset + start)))?;
            segments.push(SegmentRef {
                start: MediaTime::new(start, timescale),
                duration: MediaTime::new(duration, timescale),
                url,
                range: None,
                key_frame_end: None,
                sap: independent || at == 0,
            });
        }
        Ok(segments)
    }

    /// Start and duration of every segment in ticks, with `offset` taken off the starts.
    fn timeline(&self, offset: u64) -> Result<Vec<(u64, u64)>, ManifestError> {
        let timeline = self
            .levels
            .iter()
            .rev()
            .find_map(|level| level.first("SegmentTimeline"));
        let timeline = timeline.ok_or_else(|| self.invalid("SegmentTimeline", "one"))?;
        let mut spans = Vec::new();
        let mut next = offset;
        for s in timeline.all("S") {
            let field = |name: &str, default: Option<u64>| {
                let value = s.get(name).map_or(default, |text| text.parse().ok());
                value.ok_or_else(|| {
                    let place = format!("<S>@{name}");
                    self.source
                        .invalid(s.line, place, "a whole number from 0 up")
                })
            };
            let duration = field("d", None)?;
            let repeats = field("r", Some(0))?;
            next = field("t", Some(next))?;
            if duration == 0 || next < offset || repeats >= (MAX_SEGMENTS - spans.len()) as u64 {
                let expected = format!("durations from 1 up and at most {MAX_SEGMENTS} segments");
                return Err(self.source.invalid(s.line, "<S>", expected));
            }
            for _ in 0..=repeats {
                spans.push((next - offset, duration));
                next = next.saturating_add(duration);
            }
        }
        Ok(spans)
    }

    /// Replaces the identifiers of ISO/IEC 23009-1 §5.3.9.4.4 in a pattern, and joins the result
    /// to the base.
    fn expand(
        &self,
        pattern: &str,
        rung: &Representation,
        segment: Option<(u64, u64)>,
    ) -> Result<String, ManifestError> {
        let mut url = String::new();
        for (index, part) in pattern.split('$').enumerate() {
            if index % 2 == 0 {
                url.push_str(part);
                continue;
            }
            let (name, format) = part.split_once('%').unwrap_or((part, "01d"));
            let width = format.strip_prefix('0').and_then(|f| f.strip_suffix('d'));
            let width = width.and_then(|w| w.parse().ok()).filter(|w| *w <= 20usize);
            let value = match (name, segment) {
                ("", _) => Some("$".to_owned()),
                ("RepresentationID", _) => Some(rung.id.clone()),
                ("Bandwidth", _) => Some(rung.bandwidth.to_string()),
                ("Number", Some((number, _))) => Some(number.to_string()),
                ("Time", Some((_, time))) => Some(time.to_string()),
                _ => None,
            };
            let (Some(width), Some(value)) = (width, value) else {
                return Err(self.invalid("pattern", &format!("a known identifier, got `${part}$`")));
            };
            url.push_str(&format!("{value:0>width$}"));
        }
        let url = join(self.base, &url);
        if url.len() > MAX_URL {
            return Err(self.invalid("pattern", &format!("URLs of at most {MAX_URL} bytes")));
        }
        Ok(url)
    }

    fn required(&self, name: &str) -> Result<&str, ManifestError> {
        self.get(name)
            .ok_or_else(|| self.invalid(name, "a URL pattern"))
    }

    fn number(&self, name: &str, default: u64) -> Result<u64, ManifestError> {
        let value = self
            .get(name)
            .map_or(Some(default), |text| text.parse().ok());
        value.ok_or_else(|| self.invalid(name, "a whole number from 0 up"))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.levels.iter().rev().find_map(|level| level.get(name))
    }

    fn invalid(&self, name: &str, expected: &str) -> ManifestError {
        let line = self.levels.last().map_or(0, |level| level.line);
        let place = format!("<SegmentTemplate>@{name}");
        self.source.invalid(line, place, expected)
    }
}
