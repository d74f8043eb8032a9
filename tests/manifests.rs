//! Our MPDs against the published schema, with an outside validator.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/title.rs"]
mod title;
#[path = "common/tools.rs"]
mod tools;

use promptus::manifest::{Presentation, QualityReport, dash};
use promptus::package::TitleContent;
use promptus::segment::StartLatent;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
#[ignore = "needs ../shared and xmllint"]
fn mpds_of_both_addressings_are_valid() {
    let (shared, xmllint) = (common::need_shared(), tools::need("xmllint"));
    let title = title();
    let folder = tempfile::tempdir().unwrap();
    for (name, title) in [
        ("ranges.mpd", title.clone()),
        ("segments.mpd", title.segment_urls("../")),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, dash::write(&title).unwrap()).unwrap();
        validate(&xmllint, &shared.join("schema"), &path);
    }
}

fn validate(xmllint: &Path, schema: &Path, mpd: &Path) {
    let mut xmllint = Command::new(xmllint);
    xmllint
        .env("XML_CATALOG_FILES", schema.join("catalog.xml"))
        .args(["--nonet", "--noout", "--schema"])
        .args([&schema.join("DASH-MPD.xsd"), mpd]);
    tools::output(&mut xmllint);
}

/// Two profiles, a chain and closed segments, layers, every optional element.
fn title() -> Presentation {
    let mut content = title::two_rungs(1);
    let mut chain = title::content(&[2, 4], &[48, 72], 1).rungs;
    for rung in &mut chain {
        rung.track.profile = "sd-turbo".to_owned();
        rung.track.start_latent = StartLatent::Chain;
        rung.track.pixel_aspect = (16, 11);
        for (number, segment) in rung.segments.iter_mut().enumerate() {
            segment.chained = number > 0;
            segment.start_latent = (number == 0).then(|| vec![1; 64].into());
        }
    }
    content.rungs.extend(chain);
    let content = TitleContent {
        layers: true,
        weights_url: Some("../weights/ab.safetensors".into()),
        quality: Some(QualityReport {
            version: 1,
            rungs: Vec::new(),
        }),
        ..content
    };
    content.build().unwrap().presentation
}
