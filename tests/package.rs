//! `promptus package` as a user runs it: layers come and go, the rest stays.

#![allow(clippy::unwrap_used)]

#[path = "common/program.rs"]
mod program;
#[path = "common/title.rs"]
mod title;

use program::{promptus, refused, report, text};
use promptus::package::{Title, TitleContent};
use std::path::Path;

fn layers(folder: &Path) -> Vec<String> {
    let title = Title::open(folder).unwrap();
    title.layers().iter().map(|l| l.id().to_owned()).collect()
}

#[test]
fn layers_are_added_and_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, layered) = (folder.path().join("plain"), folder.path().join("layered"));
    let content = TitleContent {
        poster: Some(vec![0xff, 0xd8]),
        ..title::content(&[1, 2, 4], &[48, 72], 1)
    };
    let files = title::put(&plain, &content);
    let (from, to) = (text(&plain), text(&layered));

    let words = ["package", from, "--out", to, "--layers", "--json"];
    let told = report(&mut promptus(words));
    let ids = ["mini-l1-r2", "mini-l2-r4"];
    assert_eq!(layers(&layered), ids);
    assert_eq!(told["layers"][0]["id"], ids[0]);
    assert_eq!(told["rungs"].as_array().unwrap().len(), 3);
    assert_ne!(told["hash"], files.hash.as_str());
    assert!(layers(&plain).is_empty(), "the title itself is unchanged");
    let same = Title::open(&layered).unwrap().content().unwrap();
    assert_eq!((same.rungs, same.poster), (content.rungs, content.poster));

    let told = report(&mut promptus(["package", to, "--json"]));
    assert_eq!(told["hash"], files.hash.as_str());
    assert!(told.get("layers").is_none());
    assert!(layers(&layered).is_empty());

    let mut other = promptus(["package", text(folder.path())]);
    refused(&mut other, "master.m3u8");
}
