//! `check_title` finds no fault in a packaged title, and names every planted fault.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/title.rs"]
mod title;

use promptus::manifest::{Metrics, QualityReport, RungQuality, SegmentQuality};
use promptus::package::{TitleContent, TitleSource, check_title};
use std::collections::BTreeMap;

/// A title in memory, to be spoilt.
#[derive(Clone)]
struct Files {
    hash: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl TitleSource for Files {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let bytes = self.files.get(path).cloned();
        bytes.ok_or_else(|| "not found".to_owned())
    }
}

impl Files {
    fn packaged(layers: bool) -> Self {
        let quality = QualityReport {
            version: 1,
            rungs: [2, 4].map(quality_of).into(),
        };
        let content = TitleContent {
            quality: Some(quality),
            layers,
            ..title::two_rungs(1)
        };
        let title = content.build().unwrap();
        let hash = title.hash;
        let media = title.immutable.into_iter();
        let media = media.map(|file| (format!("{hash}/{}", file.name), file.bytes));
        let manifests = title.manifests.into_iter();
        let manifests = manifests.map(|file| (file.name, file.bytes));
        Self {
            files: media.chain(manifests).collect(),
            hash,
        }
    }

    fn bytes(&mut self, name: &str) -> &mut Vec<u8> {
        let path = match name.starts_with("mini") {
            true => format!("{}/{name}", self.hash),
            false => name.to_owned(),
        };
        let bytes = self.files.get_mut(&path);
        bytes.unwrap_or_else(|| panic!("no {path}"))
    }

    /// Replaces the first place of `from` in a text.
    fn swap(&mut self, name: &str, from: &str, to: &str) {
        let bytes = self.bytes(name);
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains(from), "{name} has no {from}:\n{text}");
        *bytes = text.replacen(from, to, 1).into_bytes();
    }

    /// Adds `delta` to the byte `offset` after box number `nth` (from 0) of a kind.
    fn poke(&mut self, name: &str, kind: &[u8; 4], nth: usize, offset: usize, delta: u8) {
        let bytes = self.bytes(name);
        let mut places = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(kind));
        let at = places.nth(nth).unwrap() + offset;
        bytes[at] = bytes[at].wrapping_add(delta);
    }
}

fn quality_of(rank: u32) -> RungQuality {
    let segment = |start_s, duration_s| SegmentQuality {
        start_s,
        duration_s,
        bytes: 1,
        measured_frames: None,
        metrics: Metrics::default(),
    };
    RungQuality {
        id: format!("mini-r{rank}"),
        rank,
        kbps: 1.0,
        mean: Metrics::default(),
        segments: vec![segment(0.0, 2.0), segment(2.0, 3.0)],
    }
}

#[test]
fn a_packaged_title_breaks_no_rule() {
    let report = check_title(&Files::packaged(false));
    assert_eq!(report.findings, []);
    assert_eq!(report.segments, 4);
    assert_eq!(report.files, 1 + 4 + 1 + 2 + 1);
}

/// Rule, file, text, and the text that replaces its first place and breaks the rule. `\n` is a line
/// break, `HASH` the folder; files that begin with `mini` are in it.
const SWAPS: &str = r#"
hls-header | master.m3u8 | #EXTM3U | #EXTM3
hls-version | master.m3u8 | VERSION:7 | VERSION:3
hls-version | mini-r2.m3u8 | #EXT-X-VERSION:7\n |
hls-mixed-tags | master.m3u8 | #EXT-X-STREAM | #EXT-X-ENDLIST\n#EXT-X-STREAM
hls-attributes | master.m3u8 | ,SCORE= | ,SCORE=1,SCORE=
hls-bandwidth | master.m3u8 | :BANDWIDTH= | :BANDWIDTH=0x
hls-average-bandwidth | master.m3u8 | AVERAGE-BANDWIDTH= | AVERAGE-BANDWIDTH=9
hls-codecs | master.m3u8 | "prm1.mini. | "prm1.
hls-resolution | master.m3u8 | RESOLUTION=250x | RESOLUTION=0x
hls-frame-rate | master.m3u8 | ,FRAME-RATE=24.000 |
hls-score | master.m3u8 | SCORE=2, |
hls-variant-id | master.m3u8 | ID="mini-r2" | ID="mini-r4"
hls-variant-uri | master.m3u8 | mini-r2"\n | mini-r2"\n# a comment\n
hls-iframe-variant | master.m3u8 | #EXT-X-I-FRAME-STREAM-INF | #EXT-X-NO-STREAM
hls-session-data | master.m3u8 | "promptus.quality", | "promptus.quality",VALUE="x",
weights-hash | master.m3u8 | weights.mini",VALUE=" | weights.mini",VALUE="Z
title-layout | master.m3u8 | HASH | ../elsewhere
hls-target-duration | mini-r2.m3u8 | TARGETDURATION:3 | TARGETDURATION:2
hls-extinf | mini-r2.m3u8 | #EXTINF:2.000000, | #EXTINF:-2,
hls-extinf | mini-r2.m3u8 | #EXTINF:2.000000, | #EXTINF:2.000000
hls-endlist | mini-r2.m3u8 | #EXT-X-ENDLIST |
hls-playlist-type | mini-r2.m3u8 | TYPE:VOD | TYPE:EVENT
hls-map | mini-r2.m3u8 | #EXT-X-MAP | #EXT-X-NAP
hls-iframes-only | mini-r2-iframes.m3u8 | #EXT-X-I-FRAMES-ONLY\n |
hls-tag-once | mini-r2.m3u8 | #EXT-X-MAP | #EXT-X-TARGETDURATION:3\n#EXT-X-MAP
hls-iframe-range | mini-r2-iframes.m3u8 | #EXT-X-BYTERANGE: | #EXT-X-BYTERANGE:1
hls-independent | master.m3u8 | #EXT-X-INDEPENDENT-SEGMENTS\n |
hls-media-sequence | mini-r2.m3u8 | MEDIA-SEQUENCE:0 | MEDIA-SEQUENCE:-1
hls-foreign-tag | mini-r2.m3u8 | #EXTINF | #EXT-X-DISCONTINUITY\n#EXTINF
hls-foreign-tag | mini-r2.m3u8 | #EXTINF | #EXT-X-GAP\n#EXTINF
title-grid | mini-r2.m3u8 | #EXTINF:2.000000, | #EXTINF:1.000000,
title-hash | mini-r2.m3u8 | #EXT-X-MEDIA-SEQUENCE:0\n |
media-byte-range | mini-r2.m3u8 | #EXT-X-BYTERANGE: | #EXT-X-BYTERANGE:1
media-uri | mini-r2.m3u8 | \nmini-r2.mp4 | \nmini-r4.mp4
measured-rate | master.m3u8 | INF:BANDWIDTH= | INF:BANDWIDTH=1
dash-readable | manifest.mpd | </Period> |
dash-namespace | manifest.mpd | urn:mpeg:dash:schema:mpd:2011 | urn:x
dash-profile | manifest.mpd | isoff-on-demand | isoff-main
dash-duration | manifest.mpd | mediaPresentationDuration="PT5 | mediaPresentationDuration="PT6
dash-min-buffer | manifest.mpd | minBufferTime | minimumBufferTime
dash-longest | manifest.mpd | maxSubsegmentDuration="PT3S | maxSubsegmentDuration="PT2S
dash-timescale | manifest.mpd | timescale=" | timescale="1
dash-ranking | manifest.mpd | qualityRanking="2" | qualityRanking="1"
dash-agrees | manifest.mpd | \x20bandwidth=" | \x20bandwidth="1
dash-index-range | manifest.mpd | indexRange="7 | indexRange="6
dash-rungs | manifest.mpd | id="mini-r2" | id="mini-r3"
dash-weights | manifest.mpd | urn:promptus:weights" value="0 | urn:promptus:weights" value="1
quality-json | quality.json | { |
quality-rungs | quality.json | mini-r2 | mini-r3
"#;

/// Rule, file, box, number of the box (from 0), and the byte after its name that goes up by one.
const POKES: &[(&str, &str, &[u8; 4], usize, usize)] = &[
    ("media-readable", FILE, b"moov", 0, 0),
    ("media-readable", FILE, b"sidx", 0, 15),
    ("media-btrt", FILE, b"btrt", 0, 7),
    ("segment-styp", FILE, b"styp", 1, 0),
    ("segment-readable", FILE, b"trun", 0, 11),
    ("segment-sequence", FILE, b"mfhd", 1, 11),
    ("segment-tfdt", FILE, b"tfdt", 1, 15),
    ("segment-samples", FILE, b"mdat", 1, 30),
];

const MASTER: &str = "master.m3u8";
const MPD: &str = "manifest.mpd";
const FILE: &str = "mini-r2.mp4";

type Fault = (&'static str, fn(&mut Files));

/// Rules that take more than one change.
const OTHERS: &[Fault] = &[
    ("file-missing", |t| {
        drop(t.files.remove(&format!("{}/mini-r4.m3u8", t.hash)));
    }),
    ("file-missing", |t| drop(t.files.remove(MPD))),
    ("text-utf8", |t| t.bytes("mini-r2.m3u8").extend(b"#\xff\n")),
    ("media-brand", |t| {
        t.poke(FILE, b"cmfc", 0, 0, 1);
        t.poke(FILE, b"cmfc", 0, 0, 1);
    }),
    ("media-frame-rate", |t| {
        t.swap(MASTER, "RATE=24.000", "RATE=48.000");
        t.swap(MASTER, "RATE=24.000", "RATE=48.000");
    }),
    ("media-size", |t| {
        let text = String::from_utf8(t.bytes(MASTER).clone()).unwrap();
        *t.bytes(MASTER) = text.replace("250x140", "252x140").into_bytes();
    }),
    ("media-weights", |t| {
        t.swap(
            MASTER,
            "weights.mini\",VALUE=\"07",
            "weights.mini\",VALUE=\"08",
        );
    }),
    ("quality-segments", |t| {
        let mut report: QualityReport = serde_json::from_slice(t.bytes("quality.json")).unwrap();
        report.rungs[1].segments.pop();
        *t.bytes("quality.json") = serde_json::to_vec(&report).unwrap();
    }),
];

fn swap(files: &mut Files, fault: &str) {
    let [_, file, from, to] = fault.split('|').collect::<Vec<_>>()[..] else {
        panic!("{fault}");
    };
    let plain = |text: &str| {
        let text = text.trim().replace("\\n", "\n").replace("\\x20", " ");
        text.replace("HASH", &files.hash)
    };
    let (from, to) = (plain(from), plain(to));
    files.swap(file.trim(), &from, &to);
}

/// The rule is among those that are reported of `spoilt`, and every finding has a place.
fn finds(spoilt: &Files, rule: &str, fault: &str) {
    let findings = check_title(spoilt).findings;
    let found = findings.iter().any(|finding| finding.rule == rule);
    assert!(found, "{fault}: {findings:?}");
    for finding in findings {
        assert!(!finding.place.is_empty() && !finding.problem.is_empty());
    }
}

#[test]
fn every_planted_fault_is_found_and_named() {
    let good = Files::packaged(false);
    for fault in SWAPS.lines().filter(|line| !line.is_empty()) {
        let mut spoilt = good.clone();
        swap(&mut spoilt, fault);
        finds(&spoilt, fault.split(' ').next().unwrap(), fault);
    }
    for &(rule, file, kind, nth, offset) in POKES {
        let mut spoilt = good.clone();
        spoilt.poke(file, kind, nth, offset, 1);
        finds(&spoilt, rule, rule);
    }
    for (rule, plant) in OTHERS {
        let mut spoilt = good.clone();
        plant(&mut spoilt);
        finds(&spoilt, rule, rule);
    }
}

const LAYER: &str = "mini-l2-r4.mp4";

/// The same, of a title with layers.
const LAYER_FAULTS: &[Fault] = &[
    ("layer-readable", |t| {
        drop(t.files.remove(&format!("{}/{LAYER}", t.hash)));
    }),
    ("layer-readable", |t| t.poke(LAYER, b"moov", 0, 0, 1)),
    ("layer-bytes", |t| {
        *t.bytes(LAYER).last_mut().unwrap() ^= 1;
    }),
    ("title-hash", |t| {
        *t.bytes(LAYER).last_mut().unwrap() ^= 1;
    }),
    ("layer-id", |t| {
        *t.bytes(LAYER) = t.bytes("mini-r4.mp4").clone();
    }),
    ("dash-readable", |t| {
        t.swap(MPD, "dependencyId=\"mini-r2\"", "dependencyId=\"mini-r3\"");
    }),
    ("dash-groups", |t| {
        t.swap(MPD, "<EssentialProperty", "<SupplementalProperty");
    }),
];

#[test]
fn layers_are_looked_at_too() {
    let good = Files::packaged(true);
    assert_eq!(check_title(&good).findings, []);
    for (rule, plant) in LAYER_FAULTS {
        let mut spoilt = good.clone();
        plant(&mut spoilt);
        finds(&spoilt, rule, rule);
    }
}
