//! The MPD against the playlists: the same title in another spelling (ISO/IEC 23009-1).

use super::Conformance;
use crate::manifest::dash;
use crate::manifest::{Group, Presentation, Representation};
use crate::package::title::MPD;

/// Checks the text of the MPD against what the playlists say. Returns its groups, with the layers
/// that playlists cannot name.
pub(super) fn check(report: &mut Conformance, text: &str, title: &Presentation) -> Vec<Group> {
    let mpd = match dash::read(MPD, text) {
        Ok(mpd) => mpd,
        Err(error) => {
            report.broken("dash-readable", MPD, error.to_string());
            return Vec::new();
        }
    };
    check_root(report, text);
    check_longest(report, text, title);
    check_timescales(report, text, title);
    for group in &title.groups {
        check_rankings(report, text, group);
    }
    let (found, expected) = (mpd.duration.seconds(), title.duration.seconds());
    report.must(
        (found - expected).abs() < 0.001,
        "dash-duration",
        MPD,
        || format!("it lasts {found} s, the playlists {expected} s"),
    );
    report.must(
        mpd.quality_url == title.quality_url,
        "dash-quality",
        MPD,
        || {
            format!(
                "the quality report is {:?}, in HLS {:?}",
                mpd.quality_url, title.quality_url
            )
        },
    );
    report.must(
        mpd.groups.len() == title.groups.len(),
        "dash-groups",
        MPD,
        || {
            format!(
                "{} AdaptationSets, expected {}",
                mpd.groups.len(),
                title.groups.len()
            )
        },
    );
    for group in &title.groups {
        match mpd
            .groups
            .iter()
            .find(|other| other.profile == group.profile)
        {
            Some(other) => check_group(report, other, group),
            None => report.broken("dash-groups", MPD, format!("no {} in it", group.profile)),
        }
    }
    mpd.groups
}

fn check_root(report: &mut Conformance, text: &str) {
    for (needle, rule, expected) in [
        (
            "xmlns=\"urn:mpeg:dash:schema:mpd:2011\"",
            "dash-namespace",
            "the namespace urn:mpeg:dash:schema:mpd:2011",
        ),
        (
            "urn:mpeg:dash:profile:isoff-on-demand:2011",
            "dash-profile",
            "the on-demand profile",
        ),
        ("type=\"static\"", "dash-profile", "type=\"static\""),
        ("minBufferTime=\"", "dash-min-buffer", "minBufferTime"),
        (
            "<ServiceDescription",
            "dash-service-description",
            "a ServiceDescription",
        ),
    ] {
        report.must(text.contains(needle), rule, MPD, || {
            format!("expected {expected}")
        });
    }
}

/// The values of an attribute in the order of the text.
fn values<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let start = format!(" {name}=\"");
    let parts: Vec<&str> = text.split(&start).skip(1).collect();
    parts.into_iter().filter_map(|part| part.split('"').next())
}

/// No segment lasts longer than is said (§5.3.1.2); whole seconds and fractions only, as we write them.
fn check_longest(report: &mut Conformance, text: &str, title: &Presentation) {
    let rungs = title.groups.iter().flat_map(|group| &group.representations);
    let segments = rungs.flat_map(|rung| &rung.segments);
    let longest = segments
        .map(|segment| segment.duration.seconds())
        .fold(0.0, f64::max);
    for said in values(text, "maxSubsegmentDuration") {
        let seconds = said
            .strip_prefix("PT")
            .and_then(|said| said.strip_suffix('S'));
        let seconds = seconds.and_then(|said| said.parse::<f64>().ok());
        let enough = seconds.is_some_and(|seconds| seconds > longest - 0.001);
        report.must(enough, "dash-longest", MPD, || {
            format!("maxSubsegmentDuration {said}, a segment lasts {longest} s")
        });
    }
}

/// The ticks of indexes are those of the media (§5.3.9.2.2).
fn check_timescales(report: &mut Conformance, text: &str, title: &Presentation) {
    let groups = title.groups.iter();
    let expected: Vec<String> = groups
        .map(|group| group.frame_rate.timescale().ticks().to_string())
        .collect();
    for said in values(text, "timescale") {
        report.must(
            expected.iter().any(|one| one == said),
            "dash-timescale",
            MPD,
            || format!("timescale {said}, expected {}", expected.join(" or ")),
        );
    }
}

/// The higher the rank, the lower the number: 1 is the best (§5.3.5.2).
fn check_rankings(report: &mut Conformance, text: &str, group: &Group) {
    let mut above: Option<u64> = None;
    for rung in &group.representations {
        let start = format!("<Representation id=\"{}\"", rung.id);
        let tag = text
            .split(&start)
            .nth(1)
            .and_then(|rest| rest.split('>').next());
        let said = tag.and_then(|tag| values(tag, "qualityRanking").next());
        let ranking = said.and_then(|said| said.parse::<u64>().ok());
        let falls = ranking.is_some_and(|ranking| above.is_none_or(|above| ranking < above));
        report.must(
            falls,
            "dash-ranking",
            &format!("{MPD}, {}", rung.id),
            || format!("qualityRanking {said:?}, expected one below {above:?}"),
        );
        above = ranking;
    }
}

fn check_group(report: &mut Conformance, found: &Group, expected: &Group) {
    let place = format!("{MPD}, {}", expected.profile);
    let (displayed, in_hls) = (found.display_size(), expected.display_size());
    let same = (found.frame_rate, displayed) == (expected.frame_rate, in_hls);
    report.must(same, "dash-picture", &place, || {
        format!(
            "{}x{} at {}, in HLS {}x{} at {}",
            displayed.0, displayed.1, found.frame_rate, in_hls.0, in_hls.1, expected.frame_rate
        )
    });
    report.must(
        found.weights == expected.weights,
        "dash-weights",
        &place,
        || format!("weights {}, in HLS {}", found.weights, expected.weights),
    );
    report.must(
        found.independent_segments == expected.independent_segments,
        "dash-sap",
        &place,
        || "it and the playlists differ in whether segments are closed".to_owned(),
    );
    for rung in &expected.representations {
        match found
            .representations
            .iter()
            .find(|other| other.id == rung.id)
        {
            Some(other) => check_rung(report, other, rung),
            None => report.broken("dash-rungs", &place, format!("there is no {}", rung.id)),
        }
    }
    let (more, expected) = (found.representations.len(), expected.representations.len());
    report.must(more <= expected, "dash-rungs", &place, || {
        format!("{more} rungs, in HLS {expected}")
    });
}

fn check_rung(report: &mut Conformance, found: &Representation, expected: &Representation) {
    let place = format!("{MPD}, {}", expected.id);
    for (name, found, expected) in [
        ("url", found.url.clone(), expected.url.clone()),
        ("codecs", found.codecs.clone(), expected.codecs.clone()),
        (
            "bandwidth",
            found.bandwidth.to_string(),
            expected.bandwidth.to_string(),
        ),
        (
            "average bandwidth",
            found.average_bandwidth.to_string(),
            expected.average_bandwidth.to_string(),
        ),
        ("score", found.score.to_string(), expected.score.to_string()),
        (
            "init range",
            format!("{:?}", found.init),
            format!("{:?}", expected.init),
        ),
    ] {
        report.must(found == expected, "dash-agrees", &place, || {
            format!("{name} {found}, in HLS {expected}")
        });
    }
    let end = expected.init.map(|init| init.end());
    let first = expected.segments.first().and_then(|segment| segment.range);
    let index = found
        .index
        .map(|index| (Some(index.start), Some(index.end())));
    let between = Some((end, first.map(|range| range.start)));
    report.must(index == between, "dash-index-range", &place, || {
        format!("the index lies at {index:?}, expected {between:?}")
    });
}
