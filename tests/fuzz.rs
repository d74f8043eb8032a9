//! Parsers of foreign bytes meet spoilt input: no panic, no hang. Seeded; a second each, ten with
//! `PROMPTUS_LONG=1`.

#![allow(clippy::unwrap_used)]

#[path = "common/mutate.rs"]
mod mutate;
#[path = "common/rungs.rs"]
mod rungs;

use mutate::fuzz;
use promptus::manifest::dash;
use promptus::manifest::hls::{Master, Media};
use promptus::package::{Rung, TitleContent, TitleFiles};
use promptus::segment::coded::CodedSegment;
use promptus::segment::file::MediaFile;
use promptus::segment::init::Init;
use promptus::segment::media::{read_media, read_partial};
use promptus::segment::sidx::SegmentIndex;
use promptus::segment::tree::box_tree;

fn title() -> TitleFiles {
    let track = rungs::track(4, "24");
    let segments = [(48, 1), (72, 2)].map(|(frames, seed)| rungs::segment(&track, frames, seed));
    let full = Rung {
        track,
        segments: segments.into(),
    };
    let content = TitleContent {
        rungs: vec![full.cut(2), full],
        ..TitleContent::default()
    };
    content.build().unwrap()
}

fn named(title: &TitleFiles, suffix: &str) -> Vec<Vec<u8>> {
    let files = title.immutable.iter().chain(&title.manifests);
    let files = files.filter(|file| file.name.ends_with(suffix));
    files.map(|file| file.bytes.clone()).collect()
}

#[test]
fn media_files() {
    fuzz(&named(&title(), ".mp4"), |bytes| {
        let _ = MediaFile::read(bytes, bytes.len() as u64);
        let _ = box_tree(bytes);
        let _ = Init::read(bytes);
    });
}

#[test]
fn segments() {
    let file = named(&title(), ".mp4").remove(0);
    let layout = MediaFile::read(&file, file.len() as u64).unwrap();
    let segments = layout.segments.iter();
    let seeds: Vec<Vec<u8>> = segments
        .map(|segment| file[segment.range.start as usize..segment.range.end as usize].to_vec())
        .collect();
    fuzz(&seeds, |bytes| {
        let _ = read_partial(bytes);
        if let Ok(media) = read_media(bytes) {
            let _ = CodedSegment::read(&layout.init.track, &media);
        }
    });
}

#[test]
fn indexes() {
    let file = named(&title(), ".mp4").remove(0);
    let layout = MediaFile::read(&file, file.len() as u64).unwrap();
    let range = layout.index_range.start as usize..layout.index_range.end as usize;
    fuzz(&[file[range].to_vec()], |bytes| {
        let _ = SegmentIndex::from_bytes(bytes);
    });
}

#[test]
fn playlists() {
    fuzz(&named(&title(), ".m3u8"), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        let _ = Master::read("m", &text);
        let _ = Media::read("m", &text, None);
    });
}

#[test]
fn mpds() {
    fuzz(&named(&title(), ".mpd"), |bytes| {
        let _ = dash::read("m", &String::from_utf8_lossy(bytes));
    });
}
