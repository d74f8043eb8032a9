//! A small published title for players: its segments are well-formed, its prompts are filler.

#![allow(dead_code, reason = "every test binary uses its own part")]

#[path = "title.rs"]
mod title;

use bytes::Bytes;
use promptus::manifest::{ByteRange, Presentation, dash, hls};
use promptus::package::{Rung, TitleContent};
use promptus::segment::coded::{CodedFrame, CodedSegment};
use promptus::segment::keyframes::keyframe_positions;
use std::fs;
use std::path::Path;

/// Bytes of a layer: four keyframes of these make a second of 32 kbit/s a component.
const LAYER: usize = 1000;

/// Publishes a title of `seconds` segments of one second at 24 frames, with rungs of rank 1, 2 and
/// 4, in the byte-range form, and its segment-URL form in `urls/`.
pub(crate) fn publish_fake(folder: &Path, seconds: u32) -> Presentation {
    let presentation = publish_with(folder, seconds, false);
    cut_into_urls(folder, &presentation);
    presentation
}

/// The same title in the byte-range form with its layers: 1 on top of 0, and 2 and 3 on top of both.
pub(crate) fn publish_layered(folder: &Path, seconds: u32) -> Presentation {
    publish_with(folder, seconds, true)
}

fn publish_with(folder: &Path, seconds: u32, layers: bool) -> Presentation {
    let segments = (0..seconds).map(|second| {
        let layer = |layer: u32| Bytes::from(vec![(second * 4 + layer) as u8; LAYER]);
        let keyframes = keyframe_positions(24, 10).into_iter();
        let keyframes = keyframes.map(|position| CodedFrame {
            position,
            layers: (0..4).map(layer).collect(),
        });
        CodedSegment {
            frames: 24,
            chained: false,
            start_latent: None,
            keyframes: keyframes.collect(),
        }
    });
    let top = Rung {
        track: title::track(4, "24"),
        segments: segments.collect(),
    };
    let content = TitleContent {
        rungs: [1, 2, 4].map(|rank| top.cut(rank)).into(),
        layers,
        ..TitleContent::default()
    };
    title::put(folder, &content).presentation
}

/// The bytes of `segment` of `rung`, read from the title on disk.
pub(crate) fn segment_bytes(
    folder: &Path,
    presentation: &Presentation,
    segment: usize,
    rung: usize,
) -> Vec<u8> {
    let place = &presentation.groups[0].representations[rung].segments[segment];
    slice(folder, &place.url, place.range)
}

fn cut_into_urls(folder: &Path, presentation: &Presentation) {
    let form = presentation.segment_urls("../");
    let put = |url: &str, bytes: &[u8]| {
        let path = folder.join("urls").join(url);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let pairs = presentation.groups[0].representations.iter();
    for (whole, cut) in pairs.zip(&form.groups[0].representations) {
        put(&cut.url, &slice(folder, &whole.url, whole.init));
        for (from, to) in whole.segments.iter().zip(&cut.segments) {
            put(&to.url, &slice(folder, &from.url, from.range));
        }
    }
    for playlist in hls::write(&form).unwrap() {
        put(&playlist.url, playlist.text.as_bytes());
    }
    put("manifest.mpd", dash::write(&form).unwrap().as_bytes());
}

fn slice(folder: &Path, url: &str, range: Option<ByteRange>) -> Vec<u8> {
    let (bytes, range) = (fs::read(folder.join(url)).unwrap(), range.unwrap());
    bytes[range.start as usize..range.end() as usize].to_vec()
}
