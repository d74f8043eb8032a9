//! The master playlist: its tags and attributes (RFC 8216bis §4.4.2, §4.4.6), then the playlists
//! that it names.

use super::attributes::{Line, attributes, lines, quoted, value};
use super::{Conformance, TitleSource, playlists};
use crate::manifest::hls::Master;
use crate::manifest::{Presentation, addressing};
use crate::package::publish::edition::is_hash;
use crate::package::title::MASTER;
use std::collections::HashSet;

struct Tag<'a> {
    line: Line<'a>,
    list: Vec<(&'a str, &'a str)>,
}

const VARIANT: &str = "#EXT-X-STREAM-INF";
const PICTURES: &str = "#EXT-X-I-FRAME-STREAM-INF";
const SESSION_DATA: &str = "#EXT-X-SESSION-DATA";
const STEERING: &str = "#EXT-X-CONTENT-STEERING";

/// Checks all playlists, and gives what they say if they can be read.
pub(super) fn check(report: &mut Conformance, source: &dyn TitleSource) -> Option<Presentation> {
    let text = report.text(source, MASTER)?;
    let lines = lines(&text);
    playlists::check_head(report, MASTER, &text, &lines);
    let mut tags = Vec::new();
    for line in &lines {
        let mut at = report.at(place(line));
        let media = playlists::MEDIA_TAGS.contains(&line.tag);
        let problem = format!("{} belongs into media playlists", line.tag);
        at.must("hls-mixed-tags", !media, problem);
        if [VARIANT, PICTURES, SESSION_DATA, STEERING].contains(&line.tag) {
            let list = at.ok("hls-attributes", attributes(line.value));
            tags.extend(list.map(|list| Tag { line: *line, list }));
        }
    }
    check_variants(report, &lines, &tags);
    check_session_data(report, &tags);
    let title = read(report, source, &text)?;
    // The master playlist has it if every media playlist has it (§4.4.2.1).
    let tag = "#EXT-X-INDEPENDENT-SEGMENTS";
    let said = lines.iter().any(|line| line.tag == tag);
    let closed = title.groups.iter().all(|group| group.independent_segments);
    let (mut at, other) = (report.at(MASTER), "in all media playlists");
    at.equal("hls-independent", tag, said, other, closed);
    Some(title)
}

fn place(line: &Line<'_>) -> String {
    format!("{MASTER}, line {}", line.number)
}

fn of_kind<'a>(tags: &'a [Tag<'a>], kind: &'static str) -> impl Iterator<Item = &'a Tag<'a>> {
    tags.iter().filter(move |tag| tag.line.tag == kind)
}

fn check_variants(report: &mut Conformance, lines: &[Line<'_>], tags: &[Tag<'_>]) {
    let stable_id = |tag: &Tag<'_>| {
        let id = quoted(&tag.list, "STABLE-VARIANT-ID");
        id.unwrap_or("").to_owned()
    };
    let scores = of_kind(tags, VARIANT).map(|tag| value(&tag.list, "SCORE").is_some());
    let scores: HashSet<bool> = scores.collect();
    let problem = "SCORE must stand on every variant or on none";
    let mut at = report.at(MASTER);
    at.must("hls-score", scores.len() < 2, problem);
    let mut ids = HashSet::new();
    for tag in of_kind(tags, VARIANT) {
        check_rates(report, tag);
        check_stream(report, tag);
        let mut at = report.at(place(&tag.line));
        let next = lines.iter().find(|next| next.number > tag.line.number);
        let uri = next.is_some_and(|n| n.tag.is_empty() && n.number == tag.line.number + 1);
        at.must("hls-variant-uri", uri, "expected a URI on the next line");
        let id = stable_id(tag);
        let unique = !id.is_empty() && ids.insert(id.clone());
        let problem = format!("STABLE-VARIANT-ID `{id}`: expected one of its own");
        at.must("hls-variant-id", unique, problem);
    }
    let pictures: HashSet<String> = of_kind(tags, PICTURES).map(stable_id).collect();
    for id in ids {
        let problem = format!("the I-frame variant of {id} is missing");
        let there = pictures.contains(&id);
        report.at(MASTER).must("hls-iframe-variant", there, problem);
    }
    for tag in of_kind(tags, PICTURES) {
        check_rates(report, tag);
        let mut at = report.at(place(&tag.line));
        let uri = quoted(&tag.list, "URI").is_some();
        at.must("hls-variant-uri", uri, "expected a URI attribute");
        let plain = value(&tag.list, "FRAME-RATE").is_none();
        let problem = "FRAME-RATE may not stand on an I-frame variant";
        at.must("hls-iframe-variant", plain, problem);
    }
}

fn check_rates(report: &mut Conformance, tag: &Tag<'_>) {
    let rate = |name| value(&tag.list, name).and_then(|text| text.parse::<u64>().ok());
    let (peak, average) = (rate("BANDWIDTH"), rate("AVERAGE-BANDWIDTH"));
    let mut at = report.at(place(&tag.line));
    let positive = peak.is_some_and(|peak| peak > 0);
    let expected = "expected BANDWIDTH with bit/s from 1 up";
    at.must("hls-bandwidth", positive, expected);
    let fits = average.is_some() && average <= peak;
    let expected = "expected AVERAGE-BANDWIDTH with bit/s up to BANDWIDTH";
    at.must("hls-average-bandwidth", fits, expected);
}

fn check_stream(report: &mut Conformance, tag: &Tag<'_>) {
    let text = |name| quoted(&tag.list, name).unwrap_or("");
    let (codecs, id) = (text("CODECS"), text("STABLE-VARIANT-ID"));
    let parts: Vec<&str> = codecs.split('.').collect();
    let ours = parts.len() == 3 && parts[0].as_bytes() == crate::segment::CODEC;
    let profile = id.rsplit_once("-r").map(|(profile, _)| profile);
    let named = profile.is_some() && profile == parts.get(1).copied();
    let named = named && addressing::rank_of_id(id).is_some();
    let side = |text: &str| text.parse::<u32>().is_ok_and(|side| side > 0);
    let size = value(&tag.list, "RESOLUTION").and_then(|size| size.split_once('x'));
    let positive = |name| {
        let number = value(&tag.list, name).and_then(|text| text.parse::<f64>().ok());
        number.is_some_and(|number| number.is_finite() && number > 0.0)
    };
    let scored = value(&tag.list, "SCORE").is_none() || positive("SCORE");
    let size = size.is_some_and(|(width, height)| side(width) && side(height));
    let rate = positive("FRAME-RATE");
    let mut at = report.at(place(&tag.line));
    let expected = format!("CODECS `{codecs}`: expected prm1.PROFILE.LEVEL");
    at.must("hls-codecs", ours, expected);
    let expected = "expected PROFILE-rRANK with the profile of CODECS";
    let expected = format!("STABLE-VARIANT-ID `{id}`: {expected}");
    at.must("hls-variant-id", named, expected);
    let expected = "expected RESOLUTION=WIDTHxHEIGHT";
    at.must("hls-resolution", size, expected);
    let expected = "expected FRAME-RATE with pictures a second";
    at.must("hls-frame-rate", rate, expected);
    at.must("hls-score", scored, "expected a SCORE above 0");
}

fn check_session_data(report: &mut Conformance, tags: &[Tag<'_>]) {
    let mut ids = HashSet::new();
    for tag in of_kind(tags, SESSION_DATA) {
        let mut at = report.at(place(&tag.line));
        let text = |name| quoted(&tag.list, name);
        let id = text("DATA-ID").unwrap_or("");
        let hash = text("VALUE").unwrap_or("");
        let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let is_hash = hash.len() == 64 && hash.bytes().all(hex);
        let one = text("VALUE").is_some() != text("URI").is_some();
        let unique = ids.insert((id, text("LANGUAGE")));
        let rule = "hls-session-data";
        at.must(rule, !id.is_empty(), "expected a DATA-ID");
        at.must(rule, one, format!("{id}: expected either VALUE or URI"));
        at.must(rule, unique, format!("{id} stands twice"));
        let hashed = is_hash || !id.starts_with("promptus.weights.");
        let expected = format!("`{hash}`: expected 64 hex digits in lower case");
        at.must("weights-hash", hashed, expected);
    }
}

/// Reads the title through its playlists, each of which is checked as well.
fn read(report: &mut Conformance, source: &dyn TitleSource, text: &str) -> Option<Presentation> {
    let read = Master::read(MASTER, text);
    let mut master = report.at(MASTER).ok("hls-readable", read)?;
    let media: Vec<String> = master.media().map(str::to_owned).collect();
    let iframes: Vec<String> = master.iframes().map(str::to_owned).collect();
    let mut whole = true;
    for (urls, pictures) in [(media, false), (iframes, true)] {
        for (index, url) in urls.iter().enumerate() {
            whole &= check_layout(report, url);
            let Some(text) = report.text(source, url) else {
                whole = false;
                continue;
            };
            playlists::check(report, url, &text, pictures);
            let filled = match pictures {
                true => master.fill_iframes(index, &text),
                false => master.fill(index, &text),
            };
            whole &= report.at(url).ok("hls-readable", filled).is_some();
        }
    }
    let title = report.at(MASTER).ok("title-grid", master.finish());
    title.filter(|_| whole)
}

/// Files that a title names must be in its hash folder.
fn check_layout(report: &mut Conformance, url: &str) -> bool {
    let parts: Vec<&str> = url.split('/').collect();
    let fits = parts.len() == 2 && is_hash(parts[0]);
    let expected = format!("`{url}`: expected HASH/NAME, relative, with a hash of 16 hex digits");
    report.at(MASTER).must("title-layout", fits, expected);
    fits
}
