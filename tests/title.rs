//! Titles on disk: published whole, opened again, and damage named with its place.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/title.rs"]
mod kit;
#[path = "common/tools.rs"]
mod tools;

use kit::two_rungs as content;
use promptus::manifest::{Metrics, PUBLISHED, Publication, QualityReport, RungQuality};
use promptus::package::{KEEP_OLD, Title, TitleContent, publish};
use promptus::segment::media::read_media;
use std::fs;
use std::path::Path;
use std::time::Duration;

fn put(folder: &Path, content: &TitleContent, keep: Duration) -> String {
    let files = content.build().unwrap();
    publish(folder, &files, keep).unwrap();
    files.hash
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_title_is_the_documented_files_and_opens() {
    let folder = tempfile::tempdir().unwrap();
    let mut content = content(1);
    content.poster = Some(vec![0xff, 0xd8]);
    content.quality = Some(QualityReport {
        version: 1,
        rungs: vec![RungQuality {
            id: "mini-r2".to_owned(),
            rank: 2,
            kbps: 1.5,
            mean: Metrics::default(),
            segments: Vec::new(),
        }],
    });
    let hash = put(folder.path(), &content, KEEP_OLD);
    let beside = [
        hash.as_str(),
        "manifest.mpd",
        "master.m3u8",
        "poster.jpg",
        "published.json",
        "quality.json",
    ];
    assert_eq!(names(folder.path()), beside);
    let inside = [
        "mini-r2-iframes.m3u8",
        "mini-r2.m3u8",
        "mini-r2.mp4",
        "mini-r4-iframes.m3u8",
        "mini-r4.m3u8",
        "mini-r4.mp4",
    ];
    assert_eq!(names(&folder.path().join(&hash)), inside);
    let title = Title::open(folder.path()).unwrap();
    assert_eq!(title.quality().unwrap(), content.quality);
    for (rung, put) in title.rungs().iter().zip(&content.rungs) {
        assert_eq!(rung.track(), &put.track);
        for (index, segment) in put.segments.iter().enumerate() {
            assert_eq!(&rung.coded(index).unwrap(), segment);
        }
    }
}

#[test]
fn playlists_name_the_bytes_that_are_there() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), &content(1), KEEP_OLD);
    let title = Title::open(folder.path()).unwrap();
    let presentation = title.presentation();
    assert!(presentation.groups[0].independent_segments);
    for (rung, says) in title
        .rungs()
        .iter()
        .zip(&presentation.groups[0].representations)
    {
        let file = fs::read(rung.path()).unwrap();
        let init = says.init.unwrap();
        let mut bytes = init.length;
        for (index, segment) in says.segments.iter().enumerate() {
            let range = segment.range.unwrap();
            let named = &file[range.start as usize..range.end() as usize];
            assert_eq!(named, rung.bytes(index).unwrap());
            let media = read_media(named).unwrap();
            assert_eq!(segment.key_frame_end, Some(media.first_sample_end));
            bytes += range.length;
        }
        let true_rate = bytes as f64 * 8.0 / presentation.duration.seconds();
        assert!((rung.layout().true_rate() - true_rate).abs() < 1e-6);
        assert_eq!(says.average_bandwidth, true_rate.ceil() as u64);
    }
}

#[test]
fn the_same_content_has_the_same_bytes() {
    let (a, b) = (content(1).build().unwrap(), content(1).build().unwrap());
    assert_eq!(a, b);
    assert_ne!(a.hash, content(5).build().unwrap().hash);
}

#[test]
fn an_earlier_edition_stays_for_the_time_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let first = put(folder.path(), &content(1), KEEP_OLD);
    let second = put(folder.path(), &content(5), KEEP_OLD);
    assert!(folder.path().join(&first).is_dir());
    assert_eq!(Title::open(folder.path()).unwrap().rungs().len(), 2);
    // Nothing is kept: earlier editions go, the one just replaced stays.
    let third = put(folder.path(), &content(9), Duration::ZERO);
    let there = names(folder.path());
    assert!(!there.contains(&first) && there.contains(&second) && there.contains(&third));
    put(folder.path(), &content(9), Duration::ZERO);
    assert!(!names(folder.path()).contains(&second));
    assert!(Title::open(folder.path()).is_ok());
}

#[test]
fn a_time_of_publication_stays_with_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = || {
        let bytes = fs::read(folder.path().join(PUBLISHED)).unwrap();
        Publication::read(&bytes).unwrap()
    };
    let first = put(folder.path(), &content(1), KEEP_OLD);
    let mut dated = serde_json::to_value(recorded()).unwrap();
    // As if it had been published in 1970.
    dated["editions"][&first] = 5.into();
    for file in dated["files"].as_object_mut().unwrap().values_mut() {
        file["time"] = 5.into();
    }
    fs::write(folder.path().join(PUBLISHED), dated.to_string()).unwrap();
    put(folder.path(), &content(1), KEEP_OLD);
    assert_eq!(serde_json::to_value(recorded()).unwrap(), dated);
    let second = put(folder.path(), &content(5), KEEP_OLD);
    assert_eq!(recorded().edition(&first), Some(5));
    assert!(recorded().edition(&second) > Some(5));
    let now = serde_json::to_value(recorded()).unwrap();
    assert!(now["files"]["master.m3u8"]["time"].as_u64() > Some(5));
    assert_eq!(now["files"].as_object().unwrap().len(), 2);
}

#[test]
fn a_publication_that_fails_leaves_the_title_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), &content(1), KEEP_OLD);
    let before = names(folder.path());
    let mut files = content(5).build().unwrap();
    files.immutable[1].name = "no/such/folder.mp4".to_owned();
    assert!(publish(folder.path(), &files, KEEP_OLD).is_err());
    assert_eq!(names(folder.path()), before);
    assert!(Title::open(folder.path()).is_ok());
}

#[test]
fn rungs_on_different_grids_are_refused_by_name() {
    let refusal = |change: &dyn Fn(&mut TitleContent)| {
        let mut content = content(1);
        change(&mut content);
        content.build().unwrap_err().to_string()
    };
    let error = refusal(&|content| {
        let track = content.rungs[1].track.clone();
        content.rungs[1].segments[1] = kit::segment(&track, 60, 3);
    });
    assert_eq!(error, "mini-r4: segment 2 differs in length from mini-r2's");
    let error = refusal(&|content| content.rungs[1].track.coding.grid_width = 32);
    assert_eq!(error, "mini-r4: its token grid differs from mini-r2's");
    let error = refusal(&|content| content.rungs[1].segments.truncate(1));
    assert!(error.contains("number of segments"), "{error}");
    let error = refusal(&|content| content.rungs.reverse());
    assert!(error.contains("rank"), "{error}");
    let error = refusal(&|content| content.rungs[0].segments.clear());
    assert_eq!(error, "mini-r2: there are no segments");
    let error = refusal(&|content| content.rungs[0].track.coding.components = 0);
    assert!(error.starts_with("mini-r0"), "{error}");
    let error = refusal(&|content| content.rungs.clear());
    assert!(error.contains("no rungs"), "{error}");
}

/// A published title, its hash folder, and the message with which it does not open after `harm`.
fn refusal(harm: &dyn Fn(&Path, &Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let hash = put(folder.path(), &content(1), KEEP_OLD);
    harm(folder.path(), &folder.path().join(hash));
    Title::open(folder.path()).unwrap_err().to_string()
}

#[test]
fn a_damaged_title_names_file_and_place() {
    let error = refusal(&|_, hash| fs::remove_file(hash.join("mini-r2.mp4")).unwrap());
    assert!(error.contains("master.m3u8: names"), "{error}");
    assert!(error.ends_with("mini-r2.mp4, which is missing"), "{error}");
    let error = refusal(&|_, hash| fs::remove_file(hash.join("mini-r4.m3u8")).unwrap());
    assert!(error.ends_with("mini-r4.m3u8, which is missing"), "{error}");
    let error = refusal(&|title, _| fs::remove_file(title.join("master.m3u8")).unwrap());
    assert!(error.contains("master.m3u8: No such file"), "{error}");
    let error = refusal(&|_, hash| {
        let path = hash.join("mini-r2.mp4");
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    });
    assert!(error.contains("mini-r2.mp4: sidx at byte"), "{error}");
    let error = refusal(&|_, hash| {
        fs::copy(hash.join("mini-r4.mp4"), hash.join("mini-r2.mp4")).unwrap();
    });
    assert!(error.starts_with("mini-r2: the playlists and"), "{error}");
}

#[test]
fn a_damaged_segment_names_its_number() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), &content(1), KEEP_OLD);
    let title = Title::open(folder.path()).unwrap();
    let rung = &title.rungs()[0];
    let mut bytes = fs::read(rung.path()).unwrap();
    bytes[rung.segments()[1].range.start as usize + 28] ^= 0xff;
    fs::write(rung.path(), bytes).unwrap();
    assert!(rung.coded(0).is_ok());
    let error = rung.coded(1).unwrap_err().to_string();
    assert!(error.contains("mini-r2.mp4: segment 2: byte"), "{error}");
    let error = rung.coded(2).unwrap_err().to_string();
    assert!(error.contains("no segment 3"), "{error}");
}

#[test]
#[ignore = "needs ffprobe"]
fn ffprobe_reads_every_playlist_and_the_mpd() {
    let folder = tempfile::tempdir().unwrap();
    let hash = put(folder.path(), &content(1), KEEP_OLD);
    let rungs = ["mini-r2", "mini-r4"].map(|id| (format!("{hash}/{id}.m3u8"), 1));
    let manifests = ["master.m3u8", "manifest.mpd"].map(|name| (name.to_owned(), 2));
    for (name, least) in rungs.into_iter().chain(manifests) {
        let seen = tools::probe(
            &folder.path().join(&name),
            "codec_tag_string,nb_read_packets",
        );
        let streams = seen.lines().filter(|line| line.starts_with("prm1,15"));
        assert!(streams.count() >= least, "{name}: {seen}");
    }
}
