//! Layers as files: the rung's own bytes, found by the MPD, and put together again.

#![allow(clippy::unwrap_used)]

#[path = "common/title.rs"]
mod title;

use promptus::package::{Title, TitleContent, TitleFiles, TitleRung, join};
use promptus::segment::Track;
use promptus::segment::coded::CodedSegment;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Ranks 1, 2 and 4 of one fit, two segments.
fn content() -> TitleContent {
    TitleContent {
        layers: true,
        ..title::content(&[1, 2, 4], &[48, 72], 1)
    }
}

/// [`content`] as published, and its folder.
fn published() -> (TempDir, Title) {
    let folder = tempfile::tempdir().unwrap();
    title::put(folder.path(), &content());
    let title = Title::open(folder.path()).unwrap();
    (folder, title)
}

#[test]
fn the_lowest_rung_and_its_layers_make_every_rung() {
    let (_folder, title) = published();
    let ids: Vec<&str> = title.layers().iter().map(|layer| layer.id()).collect();
    assert_eq!(ids, ["mini-l1-r2", "mini-l2-r4"]);
    let mut first_frame = 0;
    for index in 0..2 {
        let mut parts: Vec<(&Track, CodedSegment)> = Vec::new();
        let streams = title.rungs()[..1].iter().chain(title.layers());
        for (stream, rung) in streams.zip(title.rungs()) {
            parts.push((stream.track(), stream.coded(index).unwrap()));
            let borrowed: Vec<_> = parts.iter().map(|(track, coded)| (*track, coded)).collect();
            let (track, joined) = join(&borrowed).unwrap();
            assert_eq!(&track, rung.track());
            let bytes = joined.write(&track, index as u32 + 1, first_frame).unwrap();
            assert_eq!(bytes, rung.bytes(index).unwrap(), "{}", rung.id());
        }
        first_frame += 48;
    }
}

#[test]
fn a_layers_samples_are_the_sections_of_the_rungs() {
    let (_folder, title) = published();
    let (layer, rung) = (&title.layers()[1], &title.rungs()[2]);
    let (parts, whole) = (layer.media(1).unwrap(), rung.media(1).unwrap());
    for (part, whole) in parts.samples.iter().zip(&whole.samples).skip(1) {
        // The length of the first of its two layers, then both: the end of the rung's sample.
        let section = &part.data[1..];
        assert!(whole.data.ends_with(section));
    }
    let group = &title.presentation().groups[0];
    let steps: Vec<u32> = group.layers.iter().map(|l| l.first_component).collect();
    assert_eq!(steps, [1, 2]);
    let bytes =
        |stream: &TitleRung| stream.bytes(0).unwrap().len() + stream.bytes(1).unwrap().len();
    assert!(bytes(layer) < bytes(rung));
    assert_eq!(group.layers[1].stream.rank, 4);
}

#[test]
fn parts_that_do_not_belong_together_are_refused_by_name() {
    let (_folder, title) = published();
    let of = |stream: &TitleRung, index| (stream.track().clone(), stream.coded(index).unwrap());
    let (base, low, high) = (&title.rungs()[0], &title.layers()[0], &title.layers()[1]);
    let mut foreign = of(low, 0);
    foreign.0.weights[0] ^= 1;
    for (parts, expected) in [
        (
            vec![of(base, 0), of(high, 0)],
            "mini-l2-r4: it does not go on at component 1",
        ),
        (
            vec![of(low, 0)],
            "mini-l1-r2: a rung begins with component 0",
        ),
        (vec![of(base, 0), of(low, 1)], "differs in length"),
        (vec![of(base, 0), foreign], "weights hash differs"),
    ] {
        let parts: Vec<_> = parts.iter().map(|(track, coded)| (track, coded)).collect();
        let error = join(&parts).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let alone = low.keyframes(0).unwrap_err().to_string();
    assert!(alone.contains("without the rung below"), "{alone}");

    let mut unlike = content();
    let track = unlike.rungs[1].track.clone();
    unlike.rungs[1].segments[0] = title::segment(&track, 48, 77);
    let error = unlike.build().unwrap_err().to_string();
    assert_eq!(error, "mini-r2: it does not begin with mini-r1's layers");
}

#[test]
fn a_title_without_layers_is_the_same_but_for_them() {
    let (_folder, title) = published();
    let back = title.content().unwrap();
    assert_eq!(back.rungs, content().rungs);
    let plain = back.build().unwrap();
    assert!(plain.immutable.iter().all(|file| !file.name.contains("-l")));
    let mpd = |files: &TitleFiles| {
        let mpd = files.manifests.iter().find(|f| f.name == "manifest.mpd");
        String::from_utf8(mpd.unwrap().bytes.clone()).unwrap()
    };
    assert!(!mpd(&plain).contains("EssentialProperty"));
    let layered = content().build().unwrap();
    assert!(mpd(&layered).contains("dependencyId=\"mini-r1 mini-l1-r2\""));
}

#[test]
fn a_layer_file_that_is_missing_or_another_is_named() {
    type Harm = fn(&Path);
    let harms: [(Harm, &str); 2] = [
        (
            |hash| fs::remove_file(hash.join("mini-l1-r2.mp4")).unwrap(),
            "mini-l1-r2.mp4, which is missing",
        ),
        (
            |hash| {
                fs::copy(hash.join("mini-l2-r4.mp4"), hash.join("mini-l1-r2.mp4")).unwrap();
            },
            "mini-l1-r2: the MPD and",
        ),
    ];
    for (harm, expected) in harms {
        let folder = tempfile::tempdir().unwrap();
        let files = title::put(folder.path(), &content());
        harm(&folder.path().join(files.hash));
        let error = Title::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
