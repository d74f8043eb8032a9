//! `check_title` finds nothing wrong with what the packager makes, and names every planted fault.

#![allow(clippy::unwrap_used)]

#[path = "common/rungs.rs"]
mod rungs;

use promptus::manifest::{Metrics, QualityReport, RungQuality, SegmentQuality};
use promptus::package::{Conformance, Rung, TitleContent, TitleSource, check_title};
use std::collections::{BTreeMap, BTreeSet};

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
    fn good() -> Self {
        Self::made(false)
    }

    fn made(layers: bool) -> Self {
        let track = rungs::track(4, "24");
        let segments =
            [(48, 1), (72, 2)].map(|(frames, seed)| rungs::segment(&track, frames, seed));
        let full = Rung {
            track,
            segments: segments.into(),
        };
        let quality = QualityReport {
            version: 1,
            rungs: [2, 4].map(quality_of).into(),
        };
        let content = TitleContent {
            rungs: vec![full.cut(2), full],
            quality: Some(quality),
            layers,
            ..TitleContent::default()
        };
        let title = content.build().unwrap();
        let below = |name: String| format!("{}/{name}", title.hash);
        let media = title
            .immutable
            .into_iter()
            .map(|file| (below(file.name), file.bytes));
        let manifests = title
            .manifests
            .into_iter()
            .map(|file| (file.name, file.bytes));
        Self {
            files: media.chain(manifests).collect(),
            hash: title.hash.clone(),
        }
    }

    fn bytes(&mut self, name: &str) -> &mut Vec<u8> {
        let path = match name.starts_with("mini") {
            true => format!("{}/{name}", self.hash),
            false => name.to_owned(),
        };
        self.files
            .get_mut(&path)
            .unwrap_or_else(|| unreachable!("no {path}"))
    }

    /// Replaces the first place of `from` in a text.
    fn swap(&mut self, name: &str, from: &str, to: &str) {
        let bytes = self.bytes(name);
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains(from), "{name} has no {from}:\n{text}");
        *bytes = text.replacen(from, to, 1).into_bytes();
    }

    /// Replaces the line that starts with `from`; `None` takes it out.
    fn line(&mut self, name: &str, from: &str, to: Option<&str>) {
        let bytes = self.bytes(name);
        let text = String::from_utf8(bytes.clone()).unwrap();
        let mut found = false;
        let lines = text
            .lines()
            .filter_map(|line| match line.starts_with(from) && !found {
                true => {
                    found = true;
                    to
                }
                false => Some(line),
            });
        let spoilt = lines.collect::<Vec<_>>().join("\n") + "\n";
        assert!(found, "{name} has no line {from}");
        *bytes = spoilt.into_bytes();
    }

    /// Adds `delta` to the byte `offset` after box number `nth` (from 0) of a kind.
    fn poke(&mut self, name: &str, kind: &[u8; 4], nth: usize, offset: usize, delta: u8) {
        let bytes = self.bytes(name);
        let places = bytes.windows(4).enumerate();
        let mut places = places
            .filter(|(_, window)| *window == kind)
            .map(|(at, _)| at);
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

fn rules(report: &Conformance) -> BTreeSet<&'static str> {
    report.findings.iter().map(|finding| finding.rule).collect()
}

#[test]
fn a_title_as_it_is_made_breaks_no_rule() {
    let report = check_title(&Files::good());
    assert_eq!(report.findings, []);
    assert_eq!(report.segments, 4);
    assert_eq!(report.files, 1 + 4 + 1 + 2 + 1);
}

type Fault = (&'static str, fn(&mut Files));

const MASTER: &str = "master.m3u8";
const MEDIA: &str = "mini-r2.m3u8";
const PICTURES: &str = "mini-r2-iframes.m3u8";
const MPD: &str = "manifest.mpd";
const FILE: &str = "mini-r2.mp4";

/// Each fault with the rule that must be reported for it.
const FAULTS: &[Fault] = &[
    ("hls-header", |t| t.swap(MASTER, "#EXTM3U", "#EXTM3")),
    ("hls-version", |t| t.swap(MASTER, "VERSION:7", "VERSION:3")),
    ("hls-version", |t| t.line(MEDIA, "#EXT-X-VERSION", None)),
    ("hls-mixed-tags", |t| {
        t.swap(MASTER, "#EXT-X-STREAM", "#EXT-X-ENDLIST\n#EXT-X-STREAM");
    }),
    ("hls-attributes", |t| {
        t.swap(MASTER, ",SCORE=", ",SCORE=1,SCORE=");
    }),
    ("hls-bandwidth", |t| {
        t.swap(MASTER, ":BANDWIDTH=", ":BANDWIDTH=0x");
    }),
    ("hls-average-bandwidth", |t| {
        t.swap(MASTER, "AVERAGE-BANDWIDTH=", "AVERAGE-BANDWIDTH=9");
    }),
    ("hls-codecs", |t| t.swap(MASTER, "\"prm1.mini.", "\"prm1.")),
    ("hls-resolution", |t| {
        t.swap(MASTER, "RESOLUTION=250x", "RESOLUTION=0x");
    }),
    ("hls-frame-rate", |t| {
        t.swap(MASTER, ",FRAME-RATE=24.000", "");
    }),
    ("hls-score", |t| t.swap(MASTER, "SCORE=2,", "")),
    ("hls-variant-id", |t| {
        t.swap(MASTER, "ID=\"mini-r2\"", "ID=\"mini-r4\"");
    }),
    ("hls-variant-uri", |t| {
        t.swap(MASTER, "mini-r2\"\n", "mini-r2\"\n# a comment\n");
    }),
    ("hls-iframe-variant", |t| {
        t.line(MASTER, "#EXT-X-I-FRAME-STREAM-INF", None);
    }),
    ("hls-session-data", |t| {
        t.swap(
            MASTER,
            "DATA-ID=\"promptus.quality\",",
            "DATA-ID=\"promptus.quality\",VALUE=\"x\",",
        );
    }),
    ("weights-hash", |t| {
        t.swap(
            MASTER,
            "promptus.weights.mini\",VALUE=\"",
            "promptus.weights.mini\",VALUE=\"Z",
        );
    }),
    ("title-layout", |t| {
        let from = t.hash.clone();
        t.swap(MASTER, &from, "../elsewhere");
    }),
    ("file-missing", |t| {
        drop(t.files.remove(&format!("{}/mini-r4.m3u8", t.hash)));
    }),
    ("file-missing", |t| drop(t.files.remove(MPD))),
    ("text-utf8", |t| t.bytes(MEDIA).extend(b"#\xff\n")),
    ("hls-target-duration", |t| {
        t.swap(MEDIA, "TARGETDURATION:3", "TARGETDURATION:2");
    }),
    ("hls-extinf", |t| {
        t.swap(MEDIA, "#EXTINF:2.000000,", "#EXTINF:-2,");
    }),
    ("hls-endlist", |t| t.line(MEDIA, "#EXT-X-ENDLIST", None)),
    ("hls-playlist-type", |t| {
        t.swap(MEDIA, "TYPE:VOD", "TYPE:EVENT");
    }),
    ("hls-map", |t| t.line(MEDIA, "#EXT-X-MAP", None)),
    ("hls-iframes-only", |t| {
        t.line(PICTURES, "#EXT-X-I-FRAMES-ONLY", None);
    }),
    ("hls-tag-once", |t| {
        t.swap(MEDIA, "#EXT-X-MAP", "#EXT-X-TARGETDURATION:3\n#EXT-X-MAP");
    }),
    ("hls-iframe-range", |t| {
        let text = String::from_utf8(t.bytes(PICTURES).clone()).unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("#EXT-X-BYTERANGE"))
            .unwrap();
        let (length, at) = line.rsplit(':').next().unwrap().split_once('@').unwrap();
        let longer = length.parse::<u64>().unwrap() + 1;
        t.line(
            PICTURES,
            "#EXT-X-BYTERANGE",
            Some(&format!("#EXT-X-BYTERANGE:{longer}@{at}")),
        );
    }),
    ("title-grid", |t| {
        t.swap(MEDIA, "#EXTINF:2.000000,", "#EXTINF:1.000000,");
    }),
    ("media-byte-range", |t| {
        let text = String::from_utf8(t.bytes(MEDIA).clone()).unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("#EXT-X-BYTERANGE"))
            .unwrap();
        let (length, at) = line.rsplit(':').next().unwrap().split_once('@').unwrap();
        let shorter = length.parse::<u64>().unwrap() - 1;
        t.line(
            MEDIA,
            "#EXT-X-BYTERANGE",
            Some(&format!("#EXT-X-BYTERANGE:{shorter}@{at}")),
        );
    }),
    ("measured-rate", |t| {
        t.swap(MASTER, "INF:BANDWIDTH=", "INF:BANDWIDTH=1");
    }),
    ("media-frame-rate", |t| {
        t.swap(MASTER, "RATE=24.000", "RATE=48.000");
        t.swap(MASTER, "RATE=24.000", "RATE=48.000");
    }),
    ("media-size", |t| {
        t.swap(MASTER, "#EXT-X-STREAM-INF", "#EXT-X-STREAM-INF");
        let text = String::from_utf8(t.bytes(MASTER).clone()).unwrap();
        *t.bytes(MASTER) = text.replace("250x140", "252x140").into_bytes();
    }),
    ("media-weights", |t| {
        let text = String::from_utf8(t.bytes(MASTER).clone()).unwrap();
        let at = text.find("weights.mini\",VALUE=\"").unwrap() + 21;
        let digit = if &text[at..=at] == "a" { "b" } else { "a" };
        *t.bytes(MASTER) = format!("{}{digit}{}", &text[..at], &text[at + 1..]).into_bytes();
    }),
    ("media-brand", |t| {
        t.poke(FILE, b"cmfc", 0, 0, 1);
        t.poke(FILE, b"cmfc", 0, 0, 1);
    }),
    ("media-readable", |t| t.poke(FILE, b"moov", 0, 0, 1)),
    ("media-readable", |t| t.poke(FILE, b"sidx", 0, 15, 1)),
    ("media-btrt", |t| t.poke(FILE, b"btrt", 0, 7, 1)),
    ("segment-styp", |t| t.poke(FILE, b"styp", 1, 0, 1)),
    ("segment-readable", |t| t.poke(FILE, b"trun", 0, 11, 1)),
    ("segment-sequence", |t| t.poke(FILE, b"mfhd", 1, 11, 1)),
    ("segment-tfdt", |t| t.poke(FILE, b"tfdt", 1, 15, 1)),
    ("segment-samples", |t| t.poke(FILE, b"mdat", 1, 30, 1)),
    ("title-hash", |t| {
        t.swap(MEDIA, "#EXT-X-MEDIA-SEQUENCE:0\n", "");
    }),
    ("dash-readable", |t| t.swap(MPD, "</Period>", "")),
    ("dash-profile", |t| {
        t.swap(MPD, "isoff-on-demand", "isoff-main");
    }),
    ("dash-duration", |t| {
        t.swap(
            MPD,
            "mediaPresentationDuration=\"PT5",
            "mediaPresentationDuration=\"PT6",
        );
    }),
    ("dash-min-buffer", |t| {
        t.swap(MPD, "minBufferTime", "minimumBufferTime");
    }),
    ("dash-agrees", |t| {
        t.swap(MPD, " bandwidth=\"", " bandwidth=\"1");
    }),
    ("dash-index-range", |t| {
        let text = String::from_utf8(t.bytes(MPD).clone()).unwrap();
        let range = text.split("indexRange=\"").nth(1).unwrap();
        let range = range.split('"').next().unwrap();
        let (first, last) = range.split_once('-').unwrap();
        let longer = format!("{first}-{}", last.parse::<u64>().unwrap() + 1);
        t.swap(MPD, range, &longer);
    }),
    ("dash-rungs", |t| {
        t.swap(MPD, "id=\"mini-r2\"", "id=\"mini-r3\"");
    }),
    ("dash-weights", |t| {
        t.swap(
            MPD,
            "urn:promptus:weights\" value=\"0",
            "urn:promptus:weights\" value=\"1",
        );
    }),
    ("hls-independent", |t| {
        t.line(MASTER, "#EXT-X-INDEPENDENT-SEGMENTS", None);
    }),
    ("hls-media-sequence", |t| {
        t.swap(MEDIA, "MEDIA-SEQUENCE:0", "MEDIA-SEQUENCE:-1");
    }),
    ("hls-extinf", |t| {
        t.swap(MEDIA, "#EXTINF:2.000000,", "#EXTINF:2.000000");
    }),
    ("hls-foreign-tag", |t| {
        t.swap(MEDIA, "#EXTINF", "#EXT-X-DISCONTINUITY\n#EXTINF");
    }),
    ("hls-foreign-tag", |t| {
        t.swap(MEDIA, "#EXTINF", "#EXT-X-GAP\n#EXTINF");
    }),
    ("media-uri", |t| {
        t.swap(MEDIA, "\nmini-r2.mp4", "\nmini-r4.mp4");
    }),
    ("dash-namespace", |t| {
        t.swap(MPD, "urn:mpeg:dash:schema:mpd:2011", "urn:x");
    }),
    ("dash-longest", |t| {
        t.swap(
            MPD,
            "maxSubsegmentDuration=\"PT3S",
            "maxSubsegmentDuration=\"PT2S",
        );
    }),
    ("dash-timescale", |t| {
        t.swap(MPD, "timescale=\"", "timescale=\"1");
    }),
    ("dash-ranking", |t| {
        t.swap(MPD, "qualityRanking=\"2\"", "qualityRanking=\"1\"");
    }),
    ("quality-json", |t| t.swap("quality.json", "{", "")),
    ("quality-rungs", |t| {
        t.swap("quality.json", "mini-r2", "mini-r3");
    }),
    ("quality-segments", |t| {
        let mut report: QualityReport = serde_json::from_slice(t.bytes("quality.json")).unwrap();
        report.rungs[1].segments.pop();
        *t.bytes("quality.json") = serde_json::to_vec(&report).unwrap();
    }),
];

#[test]
fn every_planted_fault_is_found_and_named() {
    let good = Files::good();
    let mut missed = Vec::new();
    for (number, (rule, plant)) in FAULTS.iter().enumerate() {
        let mut spoilt = good.clone();
        plant(&mut spoilt);
        let report = check_title(&spoilt);
        if !rules(&report).contains(rule) {
            missed.push(format!("{number} {rule}: {:?}", report.findings));
        }
        for finding in &report.findings {
            assert!(!finding.place.is_empty() && !finding.problem.is_empty());
        }
    }
    let rules: BTreeSet<_> = FAULTS.iter().map(|(rule, _)| rule).collect();
    assert!(rules.len() >= 25, "{} rules", rules.len());
    assert!(missed.is_empty(), "{}", missed.join("\n"));
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
    let good = Files::made(true);
    assert_eq!(check_title(&good).findings, []);
    for (number, (rule, plant)) in LAYER_FAULTS.iter().enumerate() {
        let mut spoilt = good.clone();
        plant(&mut spoilt);
        let report = check_title(&spoilt);
        assert!(
            rules(&report).contains(rule),
            "{number} {rule}: {:?}",
            report.findings
        );
    }
}
