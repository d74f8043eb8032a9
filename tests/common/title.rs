//! Small titles: every byte of the wire format is real, the bytes of the layers are arbitrary but
//! fixed.

#![allow(dead_code, reason = "every test binary uses its own part")]

use bytes::Bytes;
use promptus::manifest::{ByteRange, Presentation, dash, hls};
use promptus::package::{KEEP_OLD, Rung, TitleContent, TitleFiles, publish};
use promptus::prompt::{CodingId, CodingParameters, Interpolation, Quantiser, Shape};
use promptus::segment::coded::{CodedFrame, CodedSegment};
use promptus::segment::keyframes::keyframe_positions;
use promptus::segment::{StartLatent, Track};
use promptus::time::FrameRate;
use std::fs;
use std::path::Path;

/// A `mini` rung of `rank` of four components, 250×140 pixels shown, at `rate` frames a second.
pub(crate) fn track(rank: usize, rate: &str) -> Track {
    let shape = Shape {
        tokens: 160,
        dim: 32,
    };
    Track {
        profile: "mini".to_owned(),
        weights: [7; 32],
        coding: CodingParameters {
            coding: CodingId::Layered,
            shape,
            grid_width: 16,
            components: rank,
            full_rank: 4,
            quantiser: Quantiser {
                u_bits: 6,
                v_bits: 8,
            },
        },
        first_component: 0,
        interpolation: Interpolation::Prompt,
        start_latent: StartLatent::Noise,
        noise_seed: 88,
        noise_weight: 0.95,
        frame_rate: rate.parse::<FrameRate>().unwrap(),
        visible: (250, 140),
        coded: (256, 160),
        pixel_aspect: (1, 1),
    }
}

/// A closed segment of `frames` frames with a keyframe every ten; `seed` chooses the bytes.
pub(crate) fn segment(track: &Track, frames: u32, seed: u32) -> CodedSegment {
    // Marsaglia's xorshift32: enough for bytes that no coder has seen.
    let mut state = seed.wrapping_mul(2_654_435_761).max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let mut noise = |least: u32, most: u32| -> Bytes {
        let size = least + next() % (most - least);
        (0..size).map(|_| (next() >> 24) as u8).collect()
    };
    let start_latent = track.start_latent.in_sample().then(|| noise(64, 65));
    CodedSegment {
        start_latent,
        ..filled(frames, track.layers(), |_| noise(20, 80))
    }
}

/// A closed segment with a keyframe every ten frames, whose layers have these bytes.
fn filled(frames: u32, layers: usize, mut layer: impl FnMut(usize) -> Bytes) -> CodedSegment {
    let keyframes = keyframe_positions(frames, 10).into_iter();
    let keyframes = keyframes.map(|position| CodedFrame {
        position,
        layers: (0..layers).map(&mut layer).collect(),
    });
    CodedSegment {
        frames,
        chained: false,
        start_latent: None,
        keyframes: keyframes.collect(),
    }
}

/// Rungs of these ranks (1 to 4) of one fit at 24 frames a second, in segments of `frames`; `seed`
/// chooses the bytes.
pub(crate) fn content(ranks: &[usize], frames: &[u32], seed: u32) -> TitleContent {
    let track = track(4, "24");
    let segments = (seed..).zip(frames);
    let segments = segments.map(|(seed, &frames)| segment(&track, frames, seed));
    let full = Rung {
        segments: segments.collect(),
        track,
    };
    TitleContent {
        rungs: ranks.iter().map(|&rank| full.cut(rank)).collect(),
        ..TitleContent::default()
    }
}

/// Rungs of rank 2 and 4 in segments of two and three seconds.
pub(crate) fn two_rungs(seed: u32) -> TitleContent {
    content(&[2, 4], &[48, 72], seed)
}

/// Publishes `content` as the title at `folder`.
pub(crate) fn put(folder: &Path, content: &TitleContent) -> TitleFiles {
    let files = content.build().unwrap();
    publish(folder, &files, KEEP_OLD).unwrap();
    files
}

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
    let layer = |second: u32, layer: usize| vec![(second as usize * 4 + layer) as u8; LAYER];
    let segments = (0..seconds).map(|second| filled(24, 4, |n| layer(second, n).into()));
    let top = Rung {
        track: track(4, "24"),
        segments: segments.collect(),
    };
    let content = TitleContent {
        rungs: [1, 2, 4].map(|rank| top.cut(rank)).into(),
        layers,
        ..TitleContent::default()
    };
    put(folder, &content).presentation
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
