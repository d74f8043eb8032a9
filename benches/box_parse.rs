//! Time to read the input of a player: an init segment, a media segment down to its
//! layers, and the head of a long title's file. Run with `cargo bench --bench box_parse`.

#![allow(clippy::unwrap_used)]

#[path = "../tests/common/title.rs"]
mod rungs;

use divan::{Bencher, black_box};
use promptus::segment::coded::CodedSegment;
use promptus::segment::file::{MediaFile, SegmentBytes, assemble};
use promptus::segment::init::read_init;
use promptus::segment::media::read_media;

fn main() {
    divan::main();
}

/// Two seconds at 30 frames a second: seven keyframes of four layers.
fn segment() -> Vec<u8> {
    let track = rungs::track(4, "30");
    rungs::segment(&track, 60, 1).write(&track, 1, 0).unwrap()
}

/// A file of `count` such segments.
fn file(count: usize) -> Vec<u8> {
    let segment = SegmentBytes {
        bytes: segment(),
        frames: 60,
        sap: true,
    };
    assemble(&rungs::track(4, "30"), &vec![segment; count]).unwrap()
}

#[divan::bench]
fn init(bencher: Bencher<'_, '_>) {
    let file = file(1);
    bencher.bench(|| read_init(black_box(&file)).unwrap());
}

#[divan::bench]
fn media_segment(bencher: Bencher<'_, '_>) {
    let segment = segment();
    bencher.bench(|| read_media(black_box(&segment)).unwrap());
}

#[divan::bench]
fn media_segment_and_layers(bencher: Bencher<'_, '_>) {
    let (track, segment) = (rungs::track(4, "30"), segment());
    bencher
        .bench(|| CodedSegment::read(&track, &read_media(black_box(&segment)).unwrap()).unwrap());
}

/// Two hours at two seconds a segment.
#[divan::bench]
fn index_of_two_hours(bencher: Bencher<'_, '_>) {
    let file = file(3600);
    bencher.bench(|| MediaFile::read(black_box(&file), file.len() as u64).unwrap());
}
