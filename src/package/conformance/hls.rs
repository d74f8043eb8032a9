//! The master playlist: its tags and attributes (RFC 8216bis §4.4.2, §4.4.6), then what it names.

use super::attributes::{Line, attributes, lines, quoted, value};
use super::{Conformance, TitleSource, playlists};
use crate::manifest::hls::Master;
use crate::manifest::{Presentation, forms};
use crate::package::title::MASTER;
use std::collections::HashSet;

type Attributes<'a> = Vec<(&'a str, &'a str)>;

/// Tags whose value is a list of attributes.
const LISTS: [&str; 4] = [
    "#EXT-X-STREAM-INF",
    "#EXT-X-I-FRAME-STREAM-INF",
    "#EXT-X-SESSION-DATA",
    "#EXT-X-CONTENT-STEERING",
];

/// Checks all playlists, and gives what they say if they can be read.
pub(super) fn check(report: &mut Conformance, source: &dyn TitleSource) -> Option<Presentation> {
    let text = report.text(source, MASTER)?;
    let lines = lines(&text);
    playlists::check_head(report, MASTER, &text, &lines);
    let mut lists: Vec<(Line<'_>, Attributes<'_>)> = Vec::new();
    for line in &lines {
        let media = playlists::MEDIA_TAGS.contains(&line.tag);
        report.must(!media, "hls-mixed-tags", &place(line), || {
            format!("{} belongs into media playlists", line.tag)
        });
        if LISTS.contains(&line.tag) {
            match attributes(line.value) {
                Ok(list) => lists.push((*line, list)),
                Err(problem) => report.broken("hls-attributes", place(line), problem),
            }
        }
    }
    check_variants(report, &lines, &lists);
    check_session_data(report, &lists);
    let title = read(report, source, &text)?;
    check_independent(report, &lines, &title);
    Some(title)
}

/// `EXT-X-INDEPENDENT-SEGMENTS` stands here if it stands in every media playlist (§4.4.2.1).
fn check_independent(report: &mut Conformance, lines: &[Line<'_>], title: &Presentation) {
    let tag = "#EXT-X-INDEPENDENT-SEGMENTS";
    let said = lines.iter().any(|line| line.tag == tag);
    let is = title.groups.iter().all(|group| group.independent_segments);
    report.must(said == is, "hls-independent", MASTER, || match is {
        true => format!("expected {tag}, as in the media playlists"),
        false => format!("{tag} does not hold for all media playlists"),
    });
}

fn place(line: &Line<'_>) -> String {
    format!("{MASTER}, line {}", line.number)
}

fn check_variants(
    report: &mut Conformance,
    lines: &[Line<'_>],
    lists: &[(Line<'_>, Attributes<'_>)],
) {
    let mut ids = HashSet::new();
    let variants = || {
        lists
            .iter()
            .filter(|(line, _)| line.tag == "#EXT-X-STREAM-INF")
    };
    let scored = variants()
        .filter(|(_, list)| value(list, "SCORE").is_some())
        .count();
    report.must(
        scored == 0 || scored == variants().count(),
        "hls-score",
        MASTER,
        || "SCORE must stand on every variant or on none".to_owned(),
    );
    for (line, list) in variants() {
        check_rates(report, &place(line), list);
        check_stream(report, &place(line), list);
        let next = lines.iter().find(|next| next.number > line.number);
        let uri = next.filter(|next| next.tag.is_empty() && next.number == line.number + 1);
        report.must(uri.is_some(), "hls-variant-uri", &place(line), || {
            "expected a URI on the next line".to_owned()
        });
        let id = quoted(list, "STABLE-VARIANT-ID").unwrap_or("");
        let unique = !id.is_empty() && ids.insert(id);
        report.must(unique, "hls-variant-id", &place(line), || {
            format!("STABLE-VARIANT-ID `{id}`: expected one of its own")
        });
    }
    let pictures: HashSet<&str> = lists
        .iter()
        .filter(|(line, _)| line.tag == "#EXT-X-I-FRAME-STREAM-INF")
        .filter_map(|(_, list)| quoted(list, "STABLE-VARIANT-ID"))
        .collect();
    for id in ids {
        report.must(pictures.contains(id), "hls-iframe-variant", MASTER, || {
            format!("there is no I-frame variant of {id}")
        });
    }
    for (line, list) in lists
        .iter()
        .filter(|(line, _)| line.tag == "#EXT-X-I-FRAME-STREAM-INF")
    {
        check_rates(report, &place(line), list);
        report.must(
            quoted(list, "URI").is_some(),
            "hls-variant-uri",
            &place(line),
            || "expected a URI attribute".to_owned(),
        );
        report.must(
            value(list, "FRAME-RATE").is_none(),
            "hls-iframe-variant",
            &place(line),
            || "FRAME-RATE may not stand on an I-frame variant".to_owned(),
        );
    }
}

fn check_rates(report: &mut Conformance, place: &str, list: &[(&str, &str)]) {
    let rate = |name| value(list, name).and_then(|text| text.parse::<u64>().ok());
    let (peak, average) = (rate("BANDWIDTH"), rate("AVERAGE-BANDWIDTH"));
    report.must(
        peak.is_some_and(|peak| peak > 0),
        "hls-bandwidth",
        place,
        || "expected BANDWIDTH with bit/s from 1 up".to_owned(),
    );
    report.must(average.is_some(), "hls-average-bandwidth", place, || {
        "expected AVERAGE-BANDWIDTH with bit/s".to_owned()
    });
    report.must(average <= peak, "hls-average-bandwidth", place, || {
        format!(
            "{} is above BANDWIDTH {}",
            average.unwrap_or(0),
            peak.unwrap_or(0)
        )
    });
}

fn check_stream(report: &mut Conformance, place: &str, list: &[(&str, &str)]) {
    let codecs = quoted(list, "CODECS").unwrap_or("");
    let parts: Vec<&str> = codecs.split('.').collect();
    let ours = parts.len() == 3 && parts[0].as_bytes() == crate::segment::CODEC;
    report.must(ours, "hls-codecs", place, || {
        format!("CODECS `{codecs}`: expected prm1.PROFILE.LEVEL")
    });
    let id = quoted(list, "STABLE-VARIANT-ID").unwrap_or("");
    let fits = id
        .rsplit_once("-r")
        .is_some_and(|(profile, _)| parts.get(1) == Some(&profile))
        && forms::rank_of_id(id).is_some();
    report.must(fits, "hls-variant-id", place, || {
        format!("STABLE-VARIANT-ID `{id}`: expected PROFILE-rRANK with the profile of CODECS")
    });
    let size = value(list, "RESOLUTION").and_then(|size| size.split_once('x'));
    let side = |text: &str| text.parse::<u32>().is_ok_and(|side| side > 0);
    report.must(
        size.is_some_and(|(w, h)| side(w) && side(h)),
        "hls-resolution",
        place,
        || "expected RESOLUTION=WIDTHxHEIGHT".to_owned(),
    );
    let positive = |name| {
        let number = value(list, name).and_then(|text| text.parse::<f64>().ok());
        number.is_some_and(|number| number.is_finite() && number > 0.0)
    };
    report.must(positive("FRAME-RATE"), "hls-frame-rate", place, || {
        "expected FRAME-RATE with pictures a second".to_owned()
    });
    let score = value(list, "SCORE").is_none_or(|_| positive("SCORE"));
    report.must(score, "hls-score", place, || {
        "expected a number above 0".to_owned()
    });
}

fn check_session_data(report: &mut Conformance, lists: &[(Line<'_>, Attributes<'_>)]) {
    let mut ids = HashSet::new();
    for (line, list) in lists
        .iter()
        .filter(|(line, _)| line.tag == "#EXT-X-SESSION-DATA")
    {
        let id = quoted(list, "DATA-ID").unwrap_or("");
        report.must(!id.is_empty(), "hls-session-data", &place(line), || {
            "expected a DATA-ID".to_owned()
        });
        let one = quoted(list, "VALUE").is_some() != quoted(list, "URI").is_some();
        report.must(one, "hls-session-data", &place(line), || {
            format!("{id}: expected either VALUE or URI")
        });
        let unique = ids.insert((id, quoted(list, "LANGUAGE")));
        report.must(unique, "hls-session-data", &place(line), || {
            format!("{id} stands twice")
        });
        if id.starts_with("promptus.weights.") {
            let hash = quoted(list, "VALUE").unwrap_or("");
            let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            report.must(
                hash.len() == 64 && hash.bytes().all(hex),
                "weights-hash",
                &place(line),
                || format!("`{hash}`: expected 64 hex digits in lower case"),
            );
        }
    }
}

/// Reads the title through its playlists, each of them checked on the way.
fn read(report: &mut Conformance, source: &dyn TitleSource, text: &str) -> Option<Presentation> {
    let mut master = match Master::read(MASTER, text) {
        Ok(master) => master,
        Err(error) => {
            report.broken("hls-readable", MASTER, error.to_string());
            return None;
        }
    };
    let media: Vec<String> = master.media().map(str::to_owned).collect();
    let iframes: Vec<String> = master.iframes().map(str::to_owned).collect();
    let mut whole = true;
    for (urls, pictures) in [(media, false), (iframes, true)] {
        for (index, url) in urls.iter().enumerate() {
            whole &= inside(report, url);
            let Some(text) = report.text(source, url) else {
                whole = false;
                continue;
            };
            playlists::check(report, url, &text, pictures);
            let filled = match pictures {
                false => master.fill(index, &text),
                true => master.fill_iframes(index, &text),
            };
            if let Err(error) = filled {
                report.broken("hls-readable", url, error.to_string());
                whole = false;
            }
        }
    }
    match master.finish() {
        Ok(presentation) => whole.then_some(presentation),
        Err(error) => {
            report.broken("title-grid", MASTER, error.to_string());
            None
        }
    }
}

/// Everything that a title names lies in its hash folder.
fn inside(report: &mut Conformance, url: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let parts: Vec<&str> = url.split('/').collect();
    let fits = parts.len() == 2 && parts[0].len() == 16 && parts[0].bytes().all(hex);
    report.must(fits, "title-layout", MASTER, || {
        format!("`{url}`: expected HASH/NAME, relative, with a hash of 16 hex digits")
    });
    fits
}
