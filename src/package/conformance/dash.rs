//! The MPD against the playlists: the same title in another protocol (ISO/IEC 23009-1).

use super::Conformance;
use super::media::range_text;
use crate::manifest::clock::parse_iso_duration;
use crate::manifest::dash::{self, Element, NAMESPACE, ON_DEMAND};
use crate::manifest::{Group, Presentation, Representation};
use crate::package::title::MPD;

const HLS: &str = "in HLS";

/// Checks the text of the MPD against what the playlists say. Returns its groups, with the layers
/// that playlists cannot name.
pub(super) fn check(report: &mut Conformance, text: &str, title: &Presentation) -> Vec<Group> {
    let read = dash::read(MPD, text).and_then(|mpd| Ok((mpd, dash::parse(MPD, text)?)));
    let Some((mpd, root)) = report.at(MPD).ok("dash-readable", read) else {
        return Vec::new();
    };
    check_root(report, &root, title);
    check_timescales(report, &root, title);
    for group in &title.groups {
        check_rankings(report, &root, group);
    }
    let mut at = report.at(MPD);
    let (found, expected) = (mpd.duration.seconds(), title.duration.seconds());
    let close = (found - expected).abs() < 0.001;
    let problem = format!("{found} s, in HLS {expected} s");
    at.must("dash-duration", close, problem);
    let url = |title: &Presentation| title.quality_url.clone().unwrap_or_default();
    at.equal("dash-quality", "quality report", url(&mpd), HLS, url(title));
    let (found, expected) = (mpd.groups.len(), title.groups.len());
    at.equal("dash-groups", "AdaptationSets", found, HLS, expected);
    for group in &title.groups {
        let mut groups = mpd.groups.iter();
        match groups.find(|other| other.profile == group.profile) {
            Some(other) => check_group(report, other, group),
            None => {
                let problem = format!("profile {} is missing", group.profile);
                report.at(MPD).broken("dash-groups", problem);
            }
        }
    }
    mpd.groups
}

fn check_root(report: &mut Conformance, root: &Element, title: &Presentation) {
    let profiles = root.get("profiles").unwrap_or_default();
    let longest = root.get("maxSubsegmentDuration").unwrap_or_default();
    let rungs = title.groups.iter().flat_map(|group| &group.representations);
    let segments = rungs.flat_map(|rung| &rung.segments);
    let seconds = segments.map(|segment| segment.duration.seconds());
    let measured = seconds.fold(0.0, f64::max);
    // No segment lasts longer than this (§5.3.1.2).
    let enough = parse_iso_duration(longest).is_some_and(|said| said > measured - 0.001);
    let longest = format!("maxSubsegmentDuration of at least {measured} s");
    let on_demand = profiles.split(',').any(|one| one == ON_DEMAND);
    let is = |name, value| root.get(name) == Some(value);
    let buffer = root.get("minBufferTime").is_some();
    let service = root.first("ServiceDescription").is_some();
    let mut at = report.at(MPD);
    for (rule, holds, expected) in [
        ("dash-namespace", is("xmlns", NAMESPACE), NAMESPACE),
        ("dash-profile", on_demand, ON_DEMAND),
        ("dash-profile", is("type", "static"), "type=\"static\""),
        ("dash-min-buffer", buffer, "minBufferTime"),
        ("dash-service-description", service, "a ServiceDescription"),
        ("dash-longest", enough, &longest),
    ] {
        at.must(rule, holds, format!("expected {expected}"));
    }
}

/// The ticks of indexes are those of the media (§5.3.9.2.2).
fn check_timescales(report: &mut Conformance, root: &Element, title: &Presentation) {
    let groups = title.groups.iter();
    let ticks = groups.map(|group| group.frame_rate.timescale().ticks().to_string());
    let expected: Vec<String> = ticks.collect();
    let mut elements = root.descendants();
    while let Some(said) = elements.find_map(|element| element.get("timescale")) {
        let known = expected.iter().any(|one| one == said);
        let problem = format!("timescale {said}, expected {}", expected.join(" or "));
        report.at(MPD).must("dash-timescale", known, problem);
    }
}

/// The higher the rank, the lower the number: 1 is the best (§5.3.5.2).
fn check_rankings(report: &mut Conformance, root: &Element, group: &Group) {
    let mut above = u64::MAX;
    for rung in &group.representations {
        let mut elements = root.descendants();
        let element =
            elements.find(|one| one.name == "Representation" && one.get("id") == Some(&rung.id));
        let said = element.and_then(|element| element.get("qualityRanking"));
        let ranking = said.and_then(|said| said.parse::<u64>().ok());
        let falls = ranking.is_some_and(|ranking| ranking < above);
        let problem = format!("qualityRanking {said:?}, expected a number below {above}");
        let place = format!("{MPD}, {}", rung.id);
        report.at(place).must("dash-ranking", falls, problem);
        above = ranking.unwrap_or(above);
    }
}

fn check_group(report: &mut Conformance, found: &Group, expected: &Group) {
    let place = format!("{MPD}, {}", expected.profile);
    let mut at = report.at(&place);
    let picture = |group: &Group| {
        let (width, height) = group.display_size();
        format!("{width}x{height} at {}", group.frame_rate)
    };
    let (picture, in_hls) = (picture(found), picture(expected));
    at.equal("dash-picture", "picture", picture, HLS, in_hls);
    let (weights, in_hls) = (&found.weights, &expected.weights);
    at.equal("dash-weights", "weights", weights, HLS, in_hls);
    let (closed, in_hls) = (found.independent_segments, expected.independent_segments);
    at.equal("dash-sap", "closed segments", closed, HLS, in_hls);
    let (found, rungs) = (&found.representations, &expected.representations);
    let fits = found.len() <= rungs.len();
    let problem = format!("{} rungs, in HLS {}", found.len(), rungs.len());
    at.must("dash-rungs", fits, problem);
    for rung in rungs {
        match found.iter().find(|other| other.id == rung.id) {
            Some(other) => check_rung(report, other, rung),
            None => {
                let problem = format!("rung {} is missing", rung.id);
                report.at(&place).broken("dash-rungs", problem);
            }
        }
    }
}

fn check_rung(report: &mut Conformance, found: &Representation, expected: &Representation) {
    let mut at = report.at(format!("{MPD}, {}", expected.id));
    let facts = |rung: &Representation| {
        [
            ("url", rung.url.clone()),
            ("codecs", rung.codecs.clone()),
            ("bandwidth", rung.bandwidth.to_string()),
            ("average bandwidth", rung.average_bandwidth.to_string()),
            ("score", rung.score.to_string()),
            ("init range", range_text(rung.init)),
        ]
    };
    for ((what, found), (_, expected)) in facts(found).into_iter().zip(facts(expected)) {
        at.equal("dash-agrees", what, found, HLS, expected);
    }
    let end = expected.init.map(|init| init.end());
    let first = expected.segments.first().and_then(|segment| segment.range);
    let index = found.index.map(|index| (index.start, index.end()));
    let between = end.zip(first.map(|range| range.start));
    let problem = format!("the index lies at {index:?}, expected {between:?}");
    at.must("dash-index-range", index == between, problem);
}
