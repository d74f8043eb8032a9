//! The MPD against the playlists: the same title in another spelling (ISO/IEC 23009-1).

use super::Conformance;
use crate::manifest::dash;
use crate::manifest::{Group, Presentation, Representation};
use crate::package::title::MPD;

/// Checks the text of the MPD against what the playlists say.
pub(super) fn check(report: &mut Conformance, text: &str, title: &Presentation) {
    let mpd = match dash::read(MPD, text) {
        Ok(mpd) => mpd,
        Err(error) => return report.broken("dash-readable", MPD, error.to_string()),
    };
    check_root(report, text);
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
}

fn check_root(report: &mut Conformance, text: &str) {
    for (needle, rule, expected) in [
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

fn check_group(report: &mut Conformance, found: &Group, expected: &Group) {
    let place = format!("{MPD}, {}", expected.profile);
    let same = (found.frame_rate, found.width, found.height)
        == (expected.frame_rate, expected.width, expected.height);
    report.must(same, "dash-picture", &place, || {
        format!(
            "{}x{} at {}, in HLS {}x{} at {}",
            found.width,
            found.height,
            found.frame_rate,
            expected.width,
            expected.height,
            expected.frame_rate
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
