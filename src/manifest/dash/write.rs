//! Writes MPDs, elements in the order of the schema's sequences.

use super::tree::Element;
use super::{
    AVERAGE_BANDWIDTH, LAYERS, LIVE, NAMESPACE, ON_DEMAND, QUALITY, SCORE, WEIGHTS, WEIGHTS_URL,
    template,
};
use crate::manifest::clock::iso_duration;
use crate::manifest::error::unwritable;
use crate::manifest::{ByteRange, Group, Layer, ManifestError, Presentation, Representation};
use crate::time::MediaTime;
use std::fmt::Display;

/// The MPD of a title, for the folder that all URLs are relative to.
///
/// With byte ranges every rung needs its init and index ranges; with segment URLs they must be those of
/// [`Presentation::segment_urls`]. Anything else is unwritable.
pub fn write(presentation: &Presentation) -> Result<String, ManifestError> {
    let rungs = presentation.rungs().map(|(_, rung)| rung);
    let by_range = rungs.clone().all(|rung| rung.init.is_some());
    let durations = rungs
        .flat_map(|rung| &rung.segments)
        .map(|segment| segment.duration);
    let longest = durations.max_by(|a, b| a.seconds().total_cmp(&b.seconds()));
    let mut period = Element::new("Period").with("id", 0).with("start", "PT0S");
    let rungs = presentation.groups.iter().map(|group| (group, false));
    let layers = presentation
        .groups
        .iter()
        .filter(|group| !group.layers.is_empty());
    let sets = rungs.chain(layers.map(|group| (group, true)));
    for (index, (group, layers)) in sets.enumerate() {
        period = period.child(adaptation_set(index, group, layers, by_range)?);
    }
    let quality = presentation.quality_url.as_deref();
    let root = root(presentation.duration, longest, by_range)
        .children(service_description(presentation))
        .child(period)
        .children(quality.map(|url| supplemental(QUALITY, url)));
    root.to_xml()
        .map_err(|error| unwritable("MPD", &error.to_string()))
}

fn root(duration: MediaTime, longest: Option<MediaTime>, by_range: bool) -> Element {
    let (profile, maximum) = match by_range {
        true => (ON_DEMAND, "maxSubsegmentDuration"),
        false => (LIVE, "maxSegmentDuration"),
    };
    let longest = iso_duration(longest.unwrap_or(duration));
    Element::new("MPD")
        .with("xmlns", NAMESPACE)
        .with("profiles", profile)
        .with("type", "static")
        .with("mediaPresentationDuration", iso_duration(duration))
        .with("minBufferTime", &longest)
        .with(maximum, &longest)
}

/// The range of rates that the title is made for (ISO/IEC 23009-1 annex K.3.5).
fn service_description(presentation: &Presentation) -> Option<Element> {
    let rates = presentation.rungs().map(|(_, rung)| rung.bandwidth);
    let range = Element::new("OperatingBandwidth")
        .with("mediaType", "video")
        .with("min", rates.clone().min()?)
        .with("max", rates.max()?);
    let description = Element::new("ServiceDescription").with("id", 0);
    Some(description.child(range))
}

/// The rungs of a group, or its layers, which only a player that knows the scheme may touch.
fn adaptation_set(
    index: usize,
    group: &Group,
    layers: bool,
    by_range: bool,
) -> Result<Element, ManifestError> {
    let scheme = layers.then(|| property("EssentialProperty", LAYERS, "1"));
    let weights_url = group.weights_url.as_deref().filter(|_| !layers);
    let mut set = set_of(index, group, by_range)
        .children(scheme)
        .child(supplemental(WEIGHTS, &group.weights))
        .children(weights_url.map(|url| supplemental(WEIGHTS_URL, url)));
    if !by_range {
        set = set.child(template::write(group)?);
    }
    if !layers {
        for rung in &group.representations {
            set = set.child(with_place(head_of(group, rung)?, group, rung, by_range)?);
        }
        return Ok(set);
    }
    let base = group.representations.first();
    let mut below: Vec<&str> = base.map(|rung| rung.id.as_str()).into_iter().collect();
    for Layer { stream, .. } in &group.layers {
        let element = head_of(group, stream)?.with("dependencyId", below.join(" "));
        set = set.child(with_place(element, group, stream, by_range)?);
        below.push(&stream.id);
    }
    Ok(set)
}

/// An AdaptationSet with its attributes.
fn set_of(index: usize, group: &Group, by_range: bool) -> Element {
    let (alignment, sap) = match by_range {
        true => ("subsegmentAlignment", "subsegmentStartsWithSAP"),
        false => ("segmentAlignment", "startWithSAP"),
    };
    let mut set = Element::new("AdaptationSet")
        .with("id", index)
        .with("contentType", "video")
        .with("mimeType", "video/mp4");
    if group.width > 0 {
        set = set.with("width", group.width).with("height", group.height);
    }
    set = set.with("frameRate", group.frame_rate);
    if let (across, down @ 1..) = group.pixel_aspect
        && (across, down) != (1, 1)
    {
        set = set.with("sar", format!("{across}:{down}"));
    }
    let set = set.with(alignment, "true");
    match group.independent_segments {
        true => set.with(sap, 1),
        false => set,
    }
}

/// A Representation without its children.
fn head_of(group: &Group, rung: &Representation) -> Result<Element, ManifestError> {
    if rung.id.is_empty() || rung.id.contains(char::is_whitespace) {
        let problem = "an id needs characters, none of them white space";
        return Err(unwritable(&rung.id, problem));
    }
    let bandwidth = u32::try_from(rung.bandwidth)
        .map_err(|_| unwritable(&rung.id, "an MPD cannot say rates above 2^32 − 1 bit/s"))?;
    let better = |other: &&Representation| other.score > rung.score;
    let ranking = 1 + group.representations.iter().filter(better).count();
    Ok(Element::new("Representation")
        .with("id", &rung.id)
        .with("codecs", &rung.codecs)
        .with("bandwidth", bandwidth)
        .with("qualityRanking", ranking))
}

/// Adds rates, score and URLs to a Representation.
fn with_place(
    element: Element,
    group: &Group,
    rung: &Representation,
    by_range: bool,
) -> Result<Element, ManifestError> {
    let element = element
        .child(supplemental(AVERAGE_BANDWIDTH, rung.average_bandwidth))
        .child(supplemental(SCORE, rung.score));
    if !by_range {
        return Ok(element.child(base_url(template::folder_of(rung)?)));
    }
    let (Some(init), Some(index)) = (rung.init, rung.index) else {
        return Err(unwritable(&rung.id, "its init or index range is not known"));
    };
    let init = Element::new("Initialization").with("range", range(init));
    let base = Element::new("SegmentBase")
        .with("timescale", group.frame_rate.timescale().ticks())
        .with("indexRange", range(index))
        .with("indexRangeExact", "true")
        .child(init);
    Ok(element.child(base_url(&rung.url)).child(base))
}

fn base_url(url: &str) -> Element {
    Element {
        text: url.to_owned(),
        ..Element::new("BaseURL")
    }
}

fn supplemental(scheme: &str, value: impl Display) -> Element {
    property("SupplementalProperty", scheme, value)
}

fn property(kind: &str, scheme: &str, value: impl Display) -> Element {
    let property = Element::new(kind).with("schemeIdUri", scheme);
    property.with("value", value)
}

/// First and last byte, both included.
fn range(range: ByteRange) -> String {
    format!("{}-{}", range.start, range.end().saturating_sub(1))
}
