//! Our MPDs against the published schema, with an outside validator.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/tools.rs"]
mod tools;

use promptus::manifest::{
    ByteRange, Group, Layer, Presentation, Representation, SegmentRef, dash, measure_rates,
};
use promptus::time::FrameRate;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
#[ignore = "needs ../shared and xmllint"]
fn mpds_of_both_forms_are_valid() {
    let (shared, xmllint) = (common::need_shared(), tools::need("xmllint"));
    let title = title();
    let folder = tempfile::tempdir().unwrap();
    for (name, form) in [
        ("ranges.mpd", title.clone()),
        ("segments.mpd", title.segment_urls("../")),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, dash::write(&form).unwrap()).unwrap();
        validate(&xmllint, &shared.join("schema"), &path);
    }
}

fn validate(xmllint: &Path, schema: &Path, mpd: &Path) {
    let output = Command::new(xmllint)
        .env("XML_CATALOG_FILES", schema.join("catalog.xml"))
        .args(["--nonet", "--noout", "--schema"])
        .args([&schema.join("DASH-MPD.xsd"), mpd])
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
}

/// Two profiles, chains and closed segments, every optional element.
fn title() -> Presentation {
    let rate = FrameRate::new(30000, 1001).unwrap();
    Presentation {
        duration: rate.time_of(165),
        quality_url: Some("quality.json".into()),
        groups: [("mini", true), ("sd-turbo", false)]
            .map(|(profile, independent_segments)| Group {
                profile: profile.into(),
                frame_rate: rate,
                width: 512,
                height: 288,
                pixel_aspect: (1, 1),
                weights: "ab".repeat(32),
                weights_url: Some("../weights/ab.safetensors".into()),
                independent_segments,
                representations: [2, 8]
                    .map(|rank| rung(profile, rank, rate, independent_segments))
                    .into(),
                layers: vec![layer(profile, rate, independent_segments)],
            })
            .into(),
    }
}

/// What rank 8 adds to rank 2.
fn layer(profile: &str, rate: FrameRate, independent: bool) -> Layer {
    let mut stream = rung(profile, 8, rate, independent);
    let id = format!("{profile}-l2-r8");
    stream.url = stream.url.replace(&stream.id, &id);
    for segment in &mut stream.segments {
        segment.url.clone_from(&stream.url);
    }
    stream.id = id;
    Layer {
        first_component: 2,
        stream,
    }
}

fn rung(profile: &str, rank: u32, rate: FrameRate, independent: bool) -> Representation {
    let url = format!("c0ffee/{profile}-r{rank}.mp4");
    let segments: Vec<SegmentRef> = [(0, 60), (60, 60), (120, 45)]
        .map(|(frame, frames)| SegmentRef {
            start: rate.time_of(frame),
            duration: rate.time_of(frames),
            url: url.clone(),
            range: Some(ByteRange {
                start: 1000 + frame * 100,
                length: frames * 100,
            }),
            key_frame_end: None,
            sap: independent || frame == 0,
        })
        .into();
    let rates = measure_rates(900, &segments);
    Representation {
        id: format!("{profile}-r{rank}"),
        rank,
        bandwidth: rates.peak,
        average_bandwidth: rates.average,
        codecs: format!("prm1.{profile}.2"),
        score: f64::from(rank),
        url,
        init: Some(ByteRange {
            start: 0,
            length: 900,
        }),
        index: Some(ByteRange {
            start: 900,
            length: 100,
        }),
        segments,
    }
}
