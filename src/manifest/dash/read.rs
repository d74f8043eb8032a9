//! Reads MPDs: our own and those that say the same in other words.
//!
//! AdaptationSets of other codecs, and those with an EssentialProperty other than that of our
//! layers, are passed over as §5.8.4.8 demands. In the byte-range form the segments stand in the file's `sidx` and
//! stay empty here.

use super::template::Template;
use super::tree::Element;
use super::{AVERAGE_BANDWIDTH, LAYERS, QUALITY, SCORE, WEIGHTS, WEIGHTS_URL};
use crate::manifest::clock::{parse_iso_duration, whole_frames};
use crate::manifest::error::{MAX_SEGMENTS, Source};
use crate::manifest::forms::{codec, profile_of, rank_of_id};
use crate::manifest::reference::join;
use crate::manifest::{ByteRange, Group, Layer, ManifestError, Presentation, Representation};
use crate::time::{FrameRate, MediaTime};
use std::cell::Cell;

/// Reads an MPD. `url` names it in errors; the URLs inside stay relative to it.
pub fn read(url: &str, text: &str) -> Result<Presentation, ManifestError> {
    let source = Source::new(url, text)?;
    let mpd = Element::parse(&source)?;
    let document = Document {
        source: &source,
        listed: Cell::new(0),
    };
    if mpd.name != "MPD" {
        return Err(document.invalid(&mpd, "", "<MPD>"));
    }
    if mpd.get("type").unwrap_or("static") != "static" {
        return Err(document.invalid(&mpd, "type", "static: live presentations are not read"));
    }
    let mut periods = mpd.all("Period");
    let (Some(period), None) = (periods.next(), periods.next()) else {
        return Err(document.invalid(&mpd, "", "exactly one <Period>"));
    };
    let base = document.base(&document.base("", &mpd), period);
    let (mut groups, mut layered) = (Vec::new(), Vec::new());
    for set in period.all("AdaptationSet") {
        match Kind::of(set) {
            Kind::Rungs => groups.extend(document.group(set, &base)?),
            Kind::Layers => layered.extend(document.group(set, &base)?.map(|group| (set, group))),
            Kind::Unknown => {}
        }
    }
    for (set, layers) in layered {
        let peer = groups.iter_mut().find(|g| g.profile == layers.profile);
        let peer = peer.ok_or_else(|| document.invalid(set, "", "rungs of the same profile"))?;
        peer.layers = document.layers(set, layers, peer)?;
    }
    let presentation = Presentation {
        duration: document.duration(&mpd, &groups)?,
        quality_url: property(&mpd, QUALITY),
        groups,
    };
    presentation.check(url)?;
    Ok(presentation)
}

/// What an AdaptationSet holds, as far as its EssentialProperties tell.
enum Kind {
    Rungs,
    Layers,
    Unknown,
}

impl Kind {
    fn of(set: &Element) -> Self {
        let mut kind = Self::Rungs;
        for property in set.all("EssentialProperty") {
            let layers = property.get("schemeIdUri") == Some(LAYERS);
            kind = match (layers, property.get("value")) {
                (true, Some("1")) => Self::Layers,
                _ => return Self::Unknown,
            };
        }
        kind
    }
}

struct Document<'a> {
    source: &'a Source<'a>,
    /// How many segments have been listed, of all rungs together.
    listed: Cell<usize>,
}

impl Document<'_> {
    fn group(&self, set: &Element, base: &str) -> Result<Option<Group>, ManifestError> {
        let codecs = |rung: &Element| rung.get("codecs").or(set.get("codecs")).map(str::to_owned);
        let first = set.first("Representation").and_then(codecs);
        let Some(profile) = first.as_deref().and_then(profile_of) else {
            return Ok(None);
        };
        let rate = self.required(set, "frameRate")?.parse::<FrameRate>();
        let sap = set
            .get("startWithSAP")
            .or(set.get("subsegmentStartsWithSAP"));
        let mut group = Group {
            profile: profile.to_owned(),
            frame_rate: rate.map_err(|error| self.invalid(set, "frameRate", &error.to_string()))?,
            width: self.number(set, "width")?,
            height: self.number(set, "height")?,
            pixel_aspect: self.pixel_aspect(set)?,
            weights: property(set, WEIGHTS).ok_or_else(|| {
                self.invalid(set, "", &format!("a SupplementalProperty {WEIGHTS}"))
            })?,
            weights_url: property(set, WEIGHTS_URL),
            independent_segments: sap == Some("1"),
            representations: Vec::new(),
            layers: Vec::new(),
        };
        let base = self.base(base, set);
        for element in set.all("Representation") {
            let codecs = codecs(element).unwrap_or_default();
            if profile_of(&codecs) != Some(profile) {
                let expected = format!("{}.{profile}.<level> throughout the set", codec());
                return Err(self.invalid(element, "codecs", &expected));
            }
            let rung = self.representation(set, element, &group, codecs, &base)?;
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
            let below = element.and_then(|e| e.get("dependencyId")).unwrap_or("");
            let rank_of = |id: &str| {
                let known = rungs.representations.iter();
                let mut known = known.chain(layers.iter().map(|layer| &layer.stream));
                known.find(|stream| stream.id == id).map(|s| s.rank)
            };
            let ranks: Option<Vec<u32>> = below.split_whitespace().map(rank_of).collect();
            let first_component = ranks.and_then(|ranks| ranks.into_iter().max());
            let Some(first_component) = first_component else {
                let expected = "ids of a rung and of layers below this one";
                return Err(self.invalid(element.unwrap_or(set), "dependencyId", expected));
            };
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
        base: &str,
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
            url: self.base(base, element),
            init: None,
            index: None,
            segments: Vec::new(),
        };
        let levels = [
            set.first("SegmentTemplate"),
            element.first("SegmentTemplate"),
        ];
        let levels: Vec<&Element> = levels.into_iter().flatten().collect();
        if let Some(segment_base) = element.first("SegmentBase") {
            self.fill_ranges(&mut rung, segment_base)?;
        } else if levels.is_empty() {
            return Err(self.invalid(element, "", "a SegmentBase or a SegmentTemplate"));
        } else {
            let base = std::mem::take(&mut rung.url);
            let source = self.source;
            let template = Template {
                levels,
                source,
                base: &base,
            };
            rung.url = template.init(&rung)?;
            rung.segments = template.segments(&rung, group.independent_segments)?;
            self.listed.set(self.listed.get() + rung.segments.len());
            if self.listed.get() > MAX_SEGMENTS {
                let expected = format!("at most {MAX_SEGMENTS} segments in all");
                return Err(self.invalid(element, "", &expected));
            }
        }
        Ok(rung)
    }

    fn fill_ranges(&self, rung: &mut Representation, base: &Element) -> Result<(), ManifestError> {
        let range = |element: &Element, name: &str| {
            let parsed = element.get(name).and_then(parse_range);
            parsed.ok_or_else(|| self.invalid(element, name, "a range <first>-<last>"))
        };
        let init = base.first("Initialization");
        let init = init.ok_or_else(|| self.invalid(base, "", "an <Initialization>"))?;
        rung.init = Some(range(init, "range")?);
        rung.index = Some(range(base, "indexRange")?);
        Ok(())
    }

    /// The time of the last segment where segments are listed, else what the MPD says.
    fn duration(&self, mpd: &Element, groups: &[Group]) -> Result<MediaTime, ManifestError> {
        let Some(group) = groups.first() else {
            return Err(self.invalid(mpd, "", &format!("a Representation of codec {}", codec())));
        };
        let listed = group
            .representations
            .iter()
            .find_map(|rung| rung.segments.last());
        if let Some(last) = listed {
            let end = last.start.ticks.saturating_add(last.duration.ticks);
            return Ok(MediaTime::new(end, last.start.timescale));
        }
        let text = self.required(mpd, "mediaPresentationDuration")?;
        let frames = parse_iso_duration(text).and_then(|s| whole_frames(s, group.frame_rate));
        frames
            .map(|frames| group.frame_rate.time_of(frames))
            .ok_or_else(|| {
                self.invalid(mpd, "mediaPresentationDuration", "a duration such as PT24S")
            })
    }

    fn base(&self, base: &str, element: &Element) -> String {
        let url = element.first("BaseURL").map(|url| url.text.as_str());
        url.map_or_else(|| base.to_owned(), |url| join(base, url))
    }

    fn required<'e>(&self, element: &'e Element, name: &str) -> Result<&'e str, ManifestError> {
        element
            .get(name)
            .ok_or_else(|| self.invalid(element, name, "this attribute"))
    }

    /// `@sar` in lowest terms, `1:1` where there is none.
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
        let place = match attribute {
            "" => format!("<{}>", element.name),
            name => format!("<{}>@{name}", element.name),
        };
        self.source.invalid(element.line, place, expected)
    }
}

/// The value of the SupplementalProperty of a scheme.
fn property(element: &Element, scheme: &str) -> Option<String> {
    let mut properties = element.all("SupplementalProperty");
    let found = properties.find(|property| property.get("schemeIdUri") == Some(scheme))?;
    found.get("value").map(str::to_owned)
}

fn parse_range(text: &str) -> Option<ByteRange> {
    let (first, last) = text.split_once('-')?;
    let (start, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let length = last.checked_sub(start)?.checked_add(1)?;
    Some(ByteRange { start, length })
}
