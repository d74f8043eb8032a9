//! Layers as files: the rung's own bytes, found by the MPD, and put together again.

#![allow(clippy::unwrap_used)]

#[path = "common/title.rs"]
mod rungs;

use promptus::package::{KEEP_OLD, PackageError, Title, TitleContent, join, publish};
use promptus::segment::Track;
use promptus::segment::coded::CodedSegment;
use std::fs;
use std::path::Path;

/// Ranks 1, 2 and 4 of one fit, two segments.
fn content() -> TitleContent {
    TitleContent {
        layers: true,
        ..rungs::content(&[1, 2, 4], &[48, 72], 1)
    }
}

fn put(folder: &Path, content: &TitleContent) -> Title {
    rungs::put(folder, content);
    Title::open(folder).unwrap()
}

#[test]
fn the_lowest_rung_and_its_layers_make_every_rung() {
    let folder = tempfile::tempdir().unwrap();
    let title = put(folder.path(), &content());
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
    let folder = tempfile::tempdir().unwrap();
    let title = put(folder.path(), &content());
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
    let sum = |bytes: &dyn Fn(usize) -> u64| (0..2).map(bytes).sum::<u64>();
    let rung_bytes = sum(&|i| rung.bytes(i).unwrap().len() as u64);
    let layer_bytes = sum(&|i| layer.bytes(i).unwrap().len() as u64);
    assert!(layer_bytes < rung_bytes);
    assert_eq!(
        group.layers[1].stream.rank,
        rung.track().coding.components as u32
    );
}

#[test]
fn parts_that_do_not_belong_together_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let title = put(folder.path(), &content());
    let of = |stream: &promptus::package::TitleRung, index| {
        (stream.track().clone(), stream.coded(index).unwrap())
    };
    let refusal = |parts: &[(Track, CodedSegment)]| {
        let parts: Vec<_> = parts.iter().map(|(track, coded)| (track, coded)).collect();
        join(&parts).unwrap_err().to_string()
    };
    let (base, low, high) = (&title.rungs()[0], &title.layers()[0], &title.layers()[1]);
    let gap = refusal(&[of(base, 0), of(high, 0)]);
    assert_eq!(gap, "mini-l2-r4: it does not go on at component 1");
    let lone = refusal(&[of(low, 0)]);
    assert_eq!(lone, "mini-l1-r2: a rung begins with component 0");
    let other = refusal(&[of(base, 0), of(low, 1)]);
    assert!(other.contains("differs in length"), "{other}");
    let (mut track, coded) = of(low, 0);
    track.weights[0] ^= 1;
    let foreign = refusal(&[of(base, 0), (track, coded)]);
    assert!(foreign.contains("weights hash differs"), "{foreign}");
    let alone = low.keyframes(0).unwrap_err().to_string();
    assert!(alone.contains("without the rung below"), "{alone}");

    let mut unlike = content();
    let track = unlike.rungs[1].track.clone();
    unlike.rungs[1].segments[0] = rungs::segment(&track, 48, 77);
    let error = unlike.build().unwrap_err().to_string();
    assert_eq!(error, "mini-r2: it does not begin with mini-r1's layers");
}

#[test]
fn a_title_without_layers_is_the_same_but_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let title = put(folder.path(), &content());
    let back = title.content().unwrap();
    assert_eq!(back.rungs, content().rungs);
    let plain = back.build().unwrap();
    assert!(plain.immutable.iter().all(|file| !file.name.contains("-l")));
    let mpd = |files: &promptus::package::TitleFiles| {
        let mpd = files.manifests.iter().find(|f| f.name == "manifest.mpd");
        String::from_utf8(mpd.unwrap().bytes.clone()).unwrap()
    };
    assert!(!mpd(&plain).contains("EssentialProperty"));
    let layered = content().build().unwrap();
    assert!(mpd(&layered).contains("dependencyId=\"mini-r1 mini-l1-r2\""));
}

#[test]
fn a_layer_file_that_is_missing_or_another_is_named() {
    let damage = |harm: &dyn Fn(&Path)| -> PackageError {
        let folder = tempfile::tempdir().unwrap();
        let files = content().build().unwrap();
        publish(folder.path(), &files, KEEP_OLD).unwrap();
        harm(&folder.path().join(&files.hash));
        Title::open(folder.path()).unwrap_err()
    };
    let error = damage(&|hash| fs::remove_file(hash.join("mini-l1-r2.mp4")).unwrap());
    let error = error.to_string();
    assert!(
        error.ends_with("mini-l1-r2.mp4, which is missing"),
        "{error}"
    );
    let error = damage(&|hash| {
        fs::copy(hash.join("mini-l2-r4.mp4"), hash.join("mini-l1-r2.mp4")).unwrap();
    });
    let error = error.to_string();
    assert!(error.starts_with("mini-l1-r2: the MPD and"), "{error}");
}
