//! `promptus package` as a user runs it: layers come and go, the rest stays.

#![allow(clippy::unwrap_used)]

#[path = "common/rungs.rs"]
mod rungs;

use promptus::package::{KEEP_OLD, Rung, Title, TitleContent, publish};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn package(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_promptus"))
        .arg("package")
        .args(arguments)
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn layers(folder: &Path) -> Vec<String> {
    let title = Title::open(folder).unwrap();
    title.layers().iter().map(|l| l.id().to_owned()).collect()
}

#[test]
fn layers_are_added_and_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, layered) = (folder.path().join("plain"), folder.path().join("layered"));
    let track = rungs::track(4, "24");
    let segments = vec![rungs::segment(&track, 48, 1), rungs::segment(&track, 72, 2)];
    let full = Rung { track, segments };
    let content = TitleContent {
        rungs: vec![full.cut(1), full.cut(2), full],
        poster: Some(vec![0xff, 0xd8]),
        ..TitleContent::default()
    };
    let files = content.build().unwrap();
    publish(&plain, &files, KEEP_OLD).unwrap();
    let [from, to] = [&plain, &layered].map(|path| path.to_str().unwrap());

    let told = json(&package(&[from, "--out", to, "--layers", "--json"]));
    let ids = ["mini-l1-r2", "mini-l2-r4"];
    assert_eq!(layers(&layered), ids);
    assert_eq!(told["layers"][0]["id"], ids[0]);
    assert_eq!(told["rungs"].as_array().unwrap().len(), 3);
    assert_ne!(told["hash"], files.hash.as_str());
    assert!(
        layers(&plain).is_empty(),
        "the title itself stays as it was"
    );
    let same = Title::open(&layered).unwrap().content().unwrap();
    assert_eq!((same.rungs, same.poster), (content.rungs, content.poster));

    let told = json(&package(&[to, "--json"]));
    assert_eq!(told["hash"], files.hash.as_str());
    assert!(told.get("layers").is_none());
    assert!(layers(&layered).is_empty());

    let refused = package(&[folder.path().to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(error.contains("master.m3u8"), "{error}");
}
