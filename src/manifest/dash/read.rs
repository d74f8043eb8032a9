//! Reads MPDs: our own, and others with the same content.
//!
//! AdaptationSets of other codecs, and those with an EssentialProperty other than that of our
//! layers, are ignored as §5.8.4.8 demands. With byte ranges the segments are in the file's `sidx`
//! and stay empty here.
//!
//! Where several BaseURL elements name the same files at several places (§5.6), a presentation has the URLs of
//! one of them.

use super::levels::{Levels, RANGE, parse_range};
use super::timeline::Period;
use super::tree::Element;
use super::{AVERAGE_BANDWIDTH, LAYERS, QUALITY, SCORE, WEIGHTS, WEIGHTS_URL};
use super::{list, template};
use crate::manifest::addressing::{codec, profile_of, rank_of_id};
use crate::manifest::clock::{parse_iso_duration, whole_frames};
use crate::manifest::error::{MAX_SEGMENTS, Source};
use crate::manifest::reference::join;
use crate::manifest::{Group, Layer, ManifestError, Presentation, Representation};
use crate::time::{FrameRate, MediaTime};
use std::cell::Cell;

/// Limit of alternative places for the same files.
const MOST_PLACES: usize = 16;

/// Reads an MPD. `url` names it in errors; the URLs inside stay relative to it. Of several places for
/// the same files it takes the first.
pub fn read(url: &str, text: &str) -> Result<Presentation, ManifestError> {
    read_place(url, text, 0).map(|(presentation, _)| presentation)
}

/// The elements of an MPD's text.
pub(crate) fn parse(url: &str, text: &str) -> Result<Element, ManifestError> {
    let source = Source::new(url, text)?;
    source.check_head()?;
    Element::parse(&source)
}

/// As [`read`] with place number `place`, from 0 and again from the first after the last; and the number of
/// places.
pub fn read_place(
    url: &str,
    text: &str,
    place: usize,
) -> Result<(Presentation, usize), ManifestError> {
    let mpd = parse(url, text)?;
    let source = &Source::new(url, text)?;
    if mpd.name != "MPD" {
        return Err(mpd.invalid(source, "", "<MPD>"));
    }
    if mpd.get("type").unwrap_or("static") != "static" {
        return Err(mpd.invalid(source, "type", "static: live presentations are not read"));
    }
    let mut periods = mpd.all("Period");
    let (Some(period), None) = (periods.next(), periods.next()) else {
        return Err(mpd.invalid(source, "", "exactly one <Period>"));
    };
    let document = Document {
        source,
        period,
        duration_s: period_s(source, &mpd, period)?,
        place,
        places: Cell::new(1),
        listed: Cell::new(0),
    };
    let base = bases(&bases(&[String::new()], &mpd), period);
    let (mut groups, mut layered) = (Vec::new(), Vec::new());
    for set in period.all("AdaptationSet") {
        match has_layers(set) {
            Some(false) => groups.extend(document.group(set, &base)?),
            Some(true) => layered.extend(document.group(set, &base)?.map(|group| (set, group))),
            None => {}
        }
    }
    for (set, layers) in layered {
        let peer = groups.iter_mut().find(|g| g.profile == layers.profile);
        let peer = peer.ok_or_else(|| set.invalid(source, "", "rungs of the same profile"))?;
        peer.layers = document.layers(set, layers, peer)?;
    }
    let presentation = Presentation {
        duration: document.duration(&mpd, &groups)?,
        quality_url: property(&mpd, QUALITY),
        groups,
    };
    presentation.check(url)?;
    Ok((presentation, document.places.get()))
}

/// Whether an AdaptationSet holds layers, by its EssentialProperties; `None` if one of them is unknown.
fn has_layers(set: &Element) -> Option<bool> {
    let mut properties = set.all("EssentialProperty").peekable();
    let layers = properties.peek().is_some();
    let known = |property: &Element| {
        let scheme = property.get("schemeIdUri");
        scheme == Some(LAYERS) && property.get("value") == Some("1")
    };
    properties.all(known).then_some(layers)
}

struct Document<'a> {
    source: &'a Source<'a>,
    period: &'a Element,
    /// Length of the period in seconds, if the MPD states it.
    duration_s: Option<f64>,
    /// Number of the chosen place for the same files.
    place: usize,
    /// Most places that a rung has.
    places: Cell<usize>,
    /// Segments listed so far, of all rungs together.
    listed: Cell<usize>,
}

impl Document<'_> {
    fn group(&self, set: &Element, bases: &[String]) -> Result<Option<Group>, ManifestError> {
        let codecs = |rung: &Element| rung.get("codecs").or(set.get("codecs")).map(str::to_owned);
        let first = set.first("Representation");
        let named = first.and_then(codecs);
        let Some(profile) = named.as_deref().and_then(profile_of) else {
            return Ok(None);
        };
        // Attributes of the set may stand in its Representations instead (§5.3.7.1).
        let stated = |name: &str| match (set.get(name), first) {
            (None, Some(rung)) if rung.get(name).is_some() => rung,
            _ => set,
        };
        let side = |name: &str| match stated(name).get(name) {
            Some(_) => self.number(stated(name), name),
            None => Ok(0),
        };
        let rate = self.required(stated("frameRate"), "frameRate")?;
        let rate = rate.parse::<FrameRate>();
        let sap = ["startWithSAP", "subsegmentStartsWithSAP"];
        let sap = sap.into_iter().find_map(|name| stated(name).get(name));
        let weights = property(set, WEIGHTS);
        let mut group = Group {
            profile: profile.to_owned(),
            frame_rate: rate.map_err(|error| self.invalid(set, "frameRate", &error.to_string()))?,
            width: side("width")?,
            height: side("height")?,
            pixel_aspect: self.pixel_aspect(set)?,
            weights: weights.ok_or_else(|| {
                self.invalid(set, "", &format!("a SupplementalProperty {WEIGHTS}"))
            })?,
            weights_url: property(set, WEIGHTS_URL),
            independent_segments: sap == Some("1"),
            representations: Vec::new(),
            layers: Vec::new(),
        };
        let bases = self::bases(bases, set);
        for element in set.all("Representation") {
            let codecs = codecs(element).unwrap_or_default();
            if profile_of(&codecs) != Some(profile) {
                let expected = format!("{}.{profile}.<level> throughout the set", codec());
                return Err(self.invalid(element, "codecs", &expected));
            }
            let rung = self.representation(set, element, &group, codecs, &bases)?;
            group.representations.push(rung);
        }
        group.representations.sort_by_key(|rung| rung.rank);
        Ok(Some(group))
    }

    /// The streams of the layer set `set`, each with the number of components it builds on.
    fn layers(
        &self,
        set: &Element,
        read: Group,
        rungs: &Group,
    ) -> Result<Vec<Layer>, ManifestError> {
        let mut layers: Vec<Layer> = Vec::new();
        for stream in read.representations {
            let mut elements = set.all("Representation");
            let element = elements.find(|element| element.get("id") == Some(&stream.id));
            let element = element.unwrap_or(set);
            let rank_of = |id: &str| {
                let layers = layers.iter().map(|layer| &layer.stream);
                let mut known = rungs.representations.iter().chain(layers);
                known.find(|stream| stream.id == id).map(|s| s.rank)
            };
            let below = element.get("dependencyId").unwrap_or("");
            let ranks = below.split_whitespace().map(rank_of);
            let ranks: Option<Vec<u32>> = ranks.collect();
            let first_component = ranks.and_then(|ranks| ranks.into_iter().max());
            let expected = "ids of a rung and of layers below this one";
            let invalid = || self.invalid(element, "dependencyId", expected);
            let first_component = first_component.ok_or_else(invalid)?;
            layers.push(Layer {
                first_component,
                stream,
            });
        }
        Ok(layers)
    }

    fn representation(
        &self,
        set: &Element,
        element: &Element,
        group: &Group,
        codecs: String,
        bases: &[String],
    ) -> Result<Representation, ManifestError> {
        let id = self.required(element, "id")?;
        let bandwidth = self.number(element, "bandwidth")?;
        let average = property(element, AVERAGE_BANDWIDTH).map(|text| text.parse().ok());
        let ranking = element
            .get("qualityRanking")
            .map_or(Ok(0), str::parse::<u32>);
        let score = property(element, SCORE).and_then(|text| text.parse().ok());
        let mut rung = Representation {
            id: id.to_owned(),
            rank: rank_of_id(id).ok_or_else(|| self.invalid(element, "id", "<profile>-r<rank>"))?,
            bandwidth: u64::from(bandwidth),
            average_bandwidth: average.flatten().unwrap_or(u64::from(bandwidth)),
            codecs,
            score: match (score, ranking) {
                (Some(score), _) if f64::is_finite(score) && score >= 0.0 => score,
                (_, Ok(ranking)) => 1.0 / (1.0 + f64::from(ranking)),
                _ => return Err(self.invalid(element, "qualityRanking", "a whole number")),
            },
            url: String::new(),
            init: None,
            index: None,
            segments: Vec::new(),
        };
        let bases = self::bases(bases, element);
        self.places.set(self.places.get().max(bases.len()));
        let base = bases.get(self.place % bases.len().max(1));
        let base = base.map_or("", String::as_str);
        let parents = [self.period, set, element];
        let Some(levels) = Levels::find(&parents, self.source, base) else {
            let expected = "a SegmentBase, a SegmentList or a SegmentTemplate";
            return Err(self.invalid(element, "", expected));
        };
        let period = Period {
            duration_s: self.duration_s,
            rate: group.frame_rate,
            independent: group.independent_segments,
        };
        match levels.innermost().name.as_str() {
            "SegmentTemplate" => template::fill(&mut rung, &levels, period)?,
            "SegmentList" => list::fill(&mut rung, &levels, period)?,
            _ => fill_ranges(&mut rung, &levels)?,
        }
        self.listed.set(self.listed.get() + rung.segments.len());
        if self.listed.get() > MAX_SEGMENTS {
            let expected = format!("at most {MAX_SEGMENTS} segments in all");
            return Err(self.invalid(element, "", &expected));
        }
        Ok(rung)
    }

    /// The end of the last segment where segments are listed, else the duration that the MPD states.
    fn duration(&self, mpd: &Element, groups: &[Group]) -> Result<MediaTime, ManifestError> {
        let Some(group) = groups.first() else {
            return Err(self.invalid(mpd, "", &format!("a Representation of codec {}", codec())));
        };
        let mut rungs = group.representations.iter();
        if let Some(last) = rungs.find_map(|rung| rung.segments.last()) {
            let end = last.start.ticks.saturating_add(last.duration.ticks);
            return Ok(MediaTime::new(end, last.start.timescale));
        }
        self.required(mpd, DURATION)?;
        let seconds = seconds(self.source, mpd, DURATION)?;
        let frames = seconds.and_then(|seconds| whole_frames(seconds, group.frame_rate));
        let frames = frames.ok_or_else(|| self.invalid(mpd, DURATION, ISO_DURATION));
        Ok(group.frame_rate.time_of(frames?))
    }

    fn required<'e>(&self, element: &'e Element, name: &str) -> Result<&'e str, ManifestError> {
        element
            .get(name)
            .ok_or_else(|| self.invalid(element, name, "this attribute"))
    }

    /// `@sar` in lowest terms, `1:1` if it is absent.
    fn pixel_aspect(&self, set: &Element) -> Result<(u32, u32), ManifestError> {
        let text = set.get("sar").unwrap_or("1:1");
        let sides = text.split_once(':');
        let sides = sides.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        let stated = sides.filter(|(a, b): &(u32, u32)| *a > 0 && *b > 0);
        let (across, down) = stated.ok_or_else(|| {
            self.invalid(set, "sar", "two whole numbers from 1 up, such as 16:11")
        })?;
        let mut divisors = (across, down);
        while divisors.1 > 0 {
            divisors = (divisors.1, divisors.0 % divisors.1);
        }
        Ok((across / divisors.0, down / divisors.0))
    }

    fn number(&self, element: &Element, name: &str) -> Result<u32, ManifestError> {
        let value = self.required(element, name)?.parse().ok();
        value
            .filter(|value| *value > 0)
            .ok_or_else(|| self.invalid(element, name, "a whole number from 1 up"))
    }

    fn invalid(&self, element: &Element, attribute: &str, expected: &str) -> ManifestError {
        element.invalid(self.source, attribute, expected)
    }
}

const DURATION: &str = "mediaPresentationDuration";

/// How [`parse_iso_duration`] expects a duration.
const ISO_DURATION: &str = "a duration such as PT24S";

/// The duration in an attribute, seconds, if it is there.
fn seconds(
    source: &Source<'_>,
    element: &Element,
    name: &str,
) -> Result<Option<f64>, ManifestError> {
    let parsed = element.get(name).map(parse_iso_duration);
    let parsed = parsed.map(|s| s.ok_or_else(|| element.invalid(source, name, ISO_DURATION)));
    parsed.transpose()
}

/// Length of the only period in seconds, if the MPD states it (§5.3.2.1).
fn period_s(
    source: &Source<'_>,
    mpd: &Element,
    period: &Element,
) -> Result<Option<f64>, ManifestError> {
    let start_s = seconds(source, period, "start")?.unwrap_or(0.0);
    let whole_s = seconds(source, mpd, DURATION)?;
    let own_s = seconds(source, period, "duration")?;
    Ok(own_s.or(whole_s.map(|whole_s| whole_s - start_s)))
}

/// The places of `element`: each of its parent's with each of its own BaseURLs.
fn bases(parents: &[String], element: &Element) -> Vec<String> {
    let own: Vec<&str> = element
        .all("BaseURL")
        .map(|url| url.text.as_str())
        .collect();
    if own.is_empty() {
        return parents.to_vec();
    }
    let each = |parent: &'_ String| own.iter().map(|url| join(parent, url)).collect::<Vec<_>>();
    parents.iter().flat_map(each).take(MOST_PLACES).collect()
}

/// The value of the SupplementalProperty of a scheme.
fn property(element: &Element, scheme: &str) -> Option<String> {
    let mut properties = element.all("SupplementalProperty");
    let found = properties.find(|property| property.get("schemeIdUri") == Some(scheme))?;
    found.get("value").map(str::to_owned)
}

/// The init segment and the index in a rung's single file.
fn fill_ranges(rung: &mut Representation, levels: &Levels<'_>) -> Result<(), ManifestError> {
    let init = levels.child("Initialization");
    let init = init.ok_or_else(|| levels.invalid("", "an <Initialization>"))?;
    let range = init.get("range").and_then(parse_range);
    let invalid = || init.invalid(levels.source, "range", RANGE);
    rung.init = Some(range.ok_or_else(invalid)?);
    let index = levels.get("indexRange").and_then(parse_range);
    rung.index = Some(index.ok_or_else(|| levels.invalid("indexRange", RANGE))?);
    rung.url = levels.base.to_owned();
    Ok(())
}
