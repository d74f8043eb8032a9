//! Small titles: every byte of the wire format is real, the bytes of the layers are arbitrary but
//! fixed.

#![allow(dead_code, reason = "every test binary uses its own part")]

use bytes::Bytes;
use promptus::package::{KEEP_OLD, Rung, TitleContent, TitleFiles, publish};
use promptus::prompt::{CodingId, CodingParameters, Interpolation, Quantiser, Shape};
use promptus::segment::coded::{CodedFrame, CodedSegment};
use promptus::segment::keyframes::keyframe_positions;
use promptus::segment::{StartLatent, Track};
use promptus::time::FrameRate;
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
    let mut noise = Noise(seed.wrapping_mul(2_654_435_761).max(1));
    let start_latent = track.start_latent.in_sample().then(|| noise.bytes(64, 65));
    let keyframes = keyframe_positions(frames, 10).into_iter().map(|position| {
        let layers = (0..track.layers()).map(|_| noise.bytes(20, 80)).collect();
        CodedFrame { position, layers }
    });
    CodedSegment {
        frames,
        chained: false,
        start_latent,
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

/// Marsaglia's xorshift32: enough for bytes that no coder has seen.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }

    fn bytes(&mut self, least: u32, most: u32) -> Bytes {
        let size = least + self.next() % (most - least);
        (0..size).map(|_| (self.next() >> 24) as u8).collect()
    }
}
