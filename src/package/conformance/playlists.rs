//! Media playlists and I-frame playlists: their tags (RFC 8216bis §4.4.1 to §4.4.4).

use super::Conformance;
use super::attributes::{Line, attributes, lines, quoted};

/// Tags that belong into media playlists only.
pub(super) const MEDIA_TAGS: [&str; 8] = [
    "#EXTINF",
    "#EXT-X-BYTERANGE",
    "#EXT-X-MAP",
    "#EXT-X-TARGETDURATION",
    "#EXT-X-MEDIA-SEQUENCE",
    "#EXT-X-PLAYLIST-TYPE",
    "#EXT-X-I-FRAMES-ONLY",
    "#EXT-X-ENDLIST",
];

/// Tags that may appear only once.
const SINGLE_TAGS: [&str; 5] = [
    "#EXTM3U",
    "#EXT-X-TARGETDURATION",
    "#EXT-X-PLAYLIST-TYPE",
    "#EXT-X-ENDLIST",
    "#EXT-X-MAP",
];

/// Tags that change what segments mean, which no title of this format has.
const FOREIGN_TAGS: [&str; 4] = [
    "#EXT-X-DISCONTINUITY",
    "#EXT-X-GAP",
    "#EXT-X-KEY",
    "#EXT-X-SKIP",
];

/// Checks the first lines and the characters of any playlist.
pub(super) fn check_head(report: &mut Conformance, url: &str, text: &str, lines: &[Line<'_>]) {
    let head = lines.first();
    let first = head.is_some_and(|line| line.tag == "#EXTM3U" && line.number == 1);
    let control = |c: char| c.is_control() && c != '\n' && c != '\r';
    let plain = !text.chars().any(control) && !text.starts_with('\u{feff}');
    let versions = all(lines, "#EXT-X-VERSION").map(|line| line.value.parse::<u32>().ok());
    let versions: Vec<Option<u32>> = versions.collect();
    let version = matches!(versions[..], [Some(version)] if version >= 7);
    let mut at = report.at(url);
    at.must("hls-header", first, "expected #EXTM3U on the first line");
    let expected = "expected no control characters and no byte order mark";
    at.must("text-utf8", plain, expected);
    let expected = "expected one EXT-X-VERSION of 7 or more";
    at.must("hls-version", version, expected);
}

/// Checks a media playlist, or an I-frame playlist if `pictures`.
pub(super) fn check(report: &mut Conformance, url: &str, text: &str, pictures: bool) {
    let lines = lines(text);
    check_head(report, url, text, &lines);
    let mut at = report.at(url);
    for tag in SINGLE_TAGS {
        let times = all(&lines, tag).count();
        let problem = format!("{tag} stands {times} times");
        at.must("hls-tag-once", times <= 1, problem);
    }
    let only = all(&lines, "#EXT-X-I-FRAMES-ONLY").count();
    let what = "number of EXT-X-I-FRAMES-ONLY:";
    let (rule, expected) = ("hls-iframes-only", u8::from(pictures));
    at.equal(rule, what, only, "expected", expected);
    let last = lines.last().map(|line| line.tag);
    let ended = last == Some("#EXT-X-ENDLIST");
    at.must("hls-endlist", ended, "expected #EXT-X-ENDLIST at the end");
    let vod = all(&lines, "#EXT-X-PLAYLIST-TYPE").any(|line| line.value == "VOD");
    at.must("hls-playlist-type", vod, "expected VOD");
    check_durations(report, url, &lines);
    check_map(report, url, &lines);
    for line in &lines {
        let mut at = report.at(place(url, line));
        let (tag, value) = (line.tag, line.value);
        let master = tag.contains("STREAM-INF") || tag == "#EXT-X-SESSION-DATA";
        let problem = format!("{tag} belongs into master playlists");
        at.must("hls-mixed-tags", !master, problem);
        let foreign = FOREIGN_TAGS.contains(&tag);
        let expected = format!("expected contiguous, unencrypted segments, found {tag}");
        at.must("hls-foreign-tag", !foreign, expected);
        // A title begins with its first segment (§4.4.3.2).
        let begins = tag != "#EXT-X-MEDIA-SEQUENCE" || value == "0";
        let expected = format!("`{value}`: expected 0, the first segment");
        at.must("hls-media-sequence", begins, expected);
    }
}

fn all<'a>(lines: &'a [Line<'a>], tag: &'a str) -> impl Iterator<Item = &'a Line<'a>> {
    lines.iter().filter(move |line| line.tag == tag)
}

fn place(url: &str, line: &Line<'_>) -> String {
    format!("{url}, line {}", line.number)
}

/// No segment may last longer than the target when rounded (§4.4.3.1).
fn check_durations(report: &mut Conformance, url: &str, lines: &[Line<'_>]) {
    let target = all(lines, "#EXT-X-TARGETDURATION").next();
    let Some(target) = target.and_then(|line| line.value.parse::<u64>().ok()) else {
        let problem = "expected whole seconds";
        return report.at(url).broken("hls-target-duration", problem);
    };
    let extinf = |(_, line): &(usize, &Line<'_>)| line.tag == "#EXTINF";
    for (number, line) in lines.iter().enumerate().filter(extinf) {
        let mut at = report.at(place(url, line));
        let seconds = line.value.split_once(',');
        let seconds = seconds.and_then(|(text, _)| text.parse().ok());
        let Some(seconds) = seconds.filter(|seconds: &f64| *seconds > 0.0) else {
            at.broken("hls-extinf", "expected seconds above 0 and a comma");
            continue;
        };
        let fits = seconds.round() as u64 <= target;
        let problem = format!("{seconds} s round to more than the target of {target} s");
        at.must("hls-target-duration", fits, problem);
        let mut rest = lines[number + 1..].iter();
        let next = rest.find(|next| next.tag.is_empty() || next.tag == "#EXTINF");
        let uri = next.is_some_and(|next| next.tag.is_empty());
        at.must("hls-extinf", uri, "expected a URI after it");
    }
}

fn check_map(report: &mut Conformance, url: &str, lines: &[Line<'_>]) {
    let find = |tag: &str| lines.iter().position(|line| line.tag == tag);
    let (map, first) = (find("#EXT-X-MAP"), find("#EXTINF"));
    let Some(map) = map.filter(|map| first.is_none_or(|first| *map < first)) else {
        let expected = "expected EXT-X-MAP before the first segment";
        return report.at(url).broken("hls-map", expected);
    };
    let has = attributes(lines[map].value).is_ok_and(|list| {
        let range = quoted(&list, "BYTERANGE").is_some_and(|range| range.contains('@'));
        quoted(&list, "URI").is_some() && range
    });
    let expected = "expected URI and BYTERANGE with an offset";
    let mut at = report.at(place(url, &lines[map]));
    at.must("hls-map", has, expected);
}
