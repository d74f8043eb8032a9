//! SegmentTemplate (ISO/IEC 23009-1 §5.3.9.4): written with a SegmentTimeline, read with and without.

use super::levels::Levels;
use super::timeline::{Period, segments, spans};
use super::tree::Element;
use crate::manifest::addressing::{INIT_NAME, segment_name};
use crate::manifest::error::unwritable;
use crate::manifest::reference::{folder, join};
use crate::manifest::{Group, ManifestError, Representation, SegmentRef};

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

/// The folder of a rung that is addressed by segment URLs.
pub(super) fn folder_of(rung: &Representation) -> Result<&str, ManifestError> {
    let folder = folder(&rung.url);
    let named = (1..)
        .zip(&rung.segments)
        .all(|(number, segment)| segment.url.strip_prefix(folder) == Some(&segment_name(number)));
    let problem = "its URLs are not init.mp4, 1.m4s, 2.m4s, … of one folder";
    match named && rung.url.ends_with(INIT_NAME) {
        true => Ok(folder),
        false => Err(unwritable(&rung.id, problem)),
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
        let start = (index == 0).then(|| segments[0].start.ticks);
        let repeats = Some(*repeats).filter(|repeats| *repeats > 0);
        let attributes = [("t", start), ("d", Some(*duration)), ("r", repeats)];
        attributes
            .into_iter()
            .fold(Element::new("S"), |s, (name, value)| match value {
                Some(value) => s.with(name, value),
                None => s,
            })
    });
    elements.collect()
}

/// Fills in the init segment and the segments of `rung`.
pub(super) fn fill(
    rung: &mut Representation,
    levels: &Levels<'_>,
    period: Period,
) -> Result<(), ManifestError> {
    let missing = |name| levels.invalid(name, "a URL pattern");
    let media = levels.get("media").ok_or_else(|| missing("media"))?;
    let first = levels.number("startNumber", 1)?;
    let offset = levels.number("presentationTimeOffset", 0)?;
    (rung.url, rung.init) = match levels.get("initialization") {
        Some(pattern) => (expand(levels, pattern, rung, None)?, None),
        None => levels
            .initialization()?
            .ok_or_else(|| missing("initialization"))?,
    };
    rung.segments = segments(levels, period, spans(levels, period)?, |index, start| {
        let number = first.saturating_add(index as u64);
        let segment = Some((number, offset.saturating_add(start)));
        Ok((expand(levels, media, rung, segment)?, None))
    })?;
    Ok(())
}

/// Replaces the identifiers of ISO/IEC 23009-1 §5.3.9.4.4 in a pattern, and joins the result to the
/// base. `segment` is its number and its time.
fn expand(
    levels: &Levels<'_>,
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
            let expected = format!("a known identifier, got `${part}$`");
            return Err(levels.invalid("pattern", &expected));
        };
        url.push_str(&format!("{value:0>width$}"));
    }
    levels.checked(join(levels.base, &url))
}
