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

/// Tags that change what segments mean, which no title of this format has.
const FOREIGN_TAGS: [&str; 4] = [
    "#EXT-X-DISCONTINUITY",
    "#EXT-X-GAP",
    "#EXT-X-KEY",
    "#EXT-X-SKIP",
];

/// What every playlist begins with.
pub(super) fn check_head(report: &mut Conformance, url: &str, text: &str, lines: &[Line<'_>]) {
    let first = lines
        .first()
        .is_some_and(|line| line.tag == "#EXTM3U" && line.number == 1);
    report.must(first, "hls-header", url, || {
        "expected #EXTM3U on the first line".to_owned()
    });
    let control = text
        .chars()
        .any(|c| c.is_control() && c != '\n' && c != '\r');
    report.must(
        !control && !text.starts_with('\u{feff}'),
        "text-utf8",
        url,
        || "expected no control characters and no byte order mark".to_owned(),
    );
    let versions: Vec<Option<u32>> = all(lines, "#EXT-X-VERSION")
        .map(|line| line.value.parse().ok())
        .collect();
    let fits = matches!(versions[..], [Some(version)] if version >= 7);
    report.must(fits, "hls-version", url, || {
        "expected one EXT-X-VERSION of 7 or more".to_owned()
    });
}

/// Checks a media playlist, or an I-frame playlist if `pictures`.
pub(super) fn check(report: &mut Conformance, url: &str, text: &str, pictures: bool) {
    let lines = lines(text);
    check_head(report, url, text, &lines);
    check_once(report, url, &lines);
    check_durations(report, url, &lines);
    check_map(report, url, &lines);
    check_sequence(report, url, &lines);
    let only = all(&lines, "#EXT-X-I-FRAMES-ONLY").count();
    report.must(
        only == usize::from(pictures),
        "hls-iframes-only",
        url,
        || {
            format!(
                "EXT-X-I-FRAMES-ONLY stands {only} times, expected {}",
                u8::from(pictures)
            )
        },
    );
    for line in &lines {
        let mixed = line.tag.contains("STREAM-INF") || line.tag == "#EXT-X-SESSION-DATA";
        report.must(!mixed, "hls-mixed-tags", &place(url, line), || {
            format!("{} belongs into master playlists", line.tag)
        });
        let foreign = FOREIGN_TAGS.contains(&line.tag);
        report.must(!foreign, "hls-foreign-tag", &place(url, line), || {
            format!("segments follow each other unencrypted: no {}", line.tag)
        });
    }
    let ended = lines
        .last()
        .is_some_and(|line| line.tag == "#EXT-X-ENDLIST");
    report.must(ended, "hls-endlist", url, || {
        "expected #EXT-X-ENDLIST at the end".to_owned()
    });
    let vod = all(&lines, "#EXT-X-PLAYLIST-TYPE").any(|line| line.value == "VOD");
    report.must(vod, "hls-playlist-type", url, || "expected VOD".to_owned());
}

fn all<'a>(lines: &'a [Line<'a>], tag: &'a str) -> impl Iterator<Item = &'a Line<'a>> {
    lines.iter().filter(move |line| line.tag == tag)
}

fn place(url: &str, line: &Line<'_>) -> String {
    format!("{url}, line {}", line.number)
}

fn check_once(report: &mut Conformance, url: &str, lines: &[Line<'_>]) {
    for tag in [
        "#EXTM3U",
        "#EXT-X-TARGETDURATION",
        "#EXT-X-PLAYLIST-TYPE",
        "#EXT-X-ENDLIST",
        "#EXT-X-MAP",
    ] {
        let times = all(lines, tag).count();
        report.must(times <= 1, "hls-tag-once", url, || {
            format!("{tag} stands {times} times")
        });
    }
}

/// No segment may last longer than the target when rounded (§4.4.3.1).
fn check_durations(report: &mut Conformance, url: &str, lines: &[Line<'_>]) {
    let target = all(lines, "#EXT-X-TARGETDURATION").next();
    let Some(target) = target.and_then(|line| line.value.parse::<u64>().ok()) else {
        return report.broken("hls-target-duration", url, "expected whole seconds");
    };
    for (at, line) in lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.tag == "#EXTINF")
    {
        let seconds = line
            .value
            .split(',')
            .next()
            .and_then(|text| text.parse::<f64>().ok());
        let seconds = seconds.filter(|seconds| *seconds > 0.0 && line.value.contains(','));
        let Some(seconds) = seconds else {
            report.broken(
                "hls-extinf",
                place(url, line),
                "expected seconds above 0 and a comma",
            );
            continue;
        };
        report.must(
            seconds.round() as u64 <= target,
            "hls-target-duration",
            &place(url, line),
            || format!("{seconds} s round to more than the target of {target} s"),
        );
        let uri = lines[at + 1..]
            .iter()
            .find(|next| next.tag.is_empty() || next.tag == "#EXTINF");
        report.must(
            uri.is_some_and(|next| next.tag.is_empty()),
            "hls-extinf",
            &place(url, line),
            || "expected a URI after it".to_owned(),
        );
    }
}

/// A title begins with its first segment (§4.4.3.2).
fn check_sequence(report: &mut Conformance, url: &str, lines: &[Line<'_>]) {
    for line in all(lines, "#EXT-X-MEDIA-SEQUENCE") {
        report.must(
            line.value == "0",
            "hls-media-sequence",
            &place(url, line),
            || format!("`{}`: expected 0, the first segment", line.value),
        );
    }
}

fn check_map(report: &mut Conformance, url: &str, lines: &[Line<'_>]) {
    let map = lines.iter().position(|line| line.tag == "#EXT-X-MAP");
    let first = lines.iter().position(|line| line.tag == "#EXTINF");
    let Some(map) = map.filter(|map| first.is_none_or(|first| *map < first)) else {
        return report.broken(
            "hls-map",
            url,
            "expected EXT-X-MAP before the first segment",
        );
    };
    let has = attributes(lines[map].value).is_ok_and(|list| {
        quoted(&list, "URI").is_some()
            && quoted(&list, "BYTERANGE").is_some_and(|r| r.contains('@'))
    });
    report.must(has, "hls-map", &place(url, &lines[map]), || {
        "expected URI and BYTERANGE with an offset".to_owned()
    });
}
