//! Small random titles of profile `mini`: no fit, but every byte of the wire format. Every test
//! binary uses its own part of it.

#![allow(dead_code)]

use bytes::Bytes;
use promptus::model::Profile;
use promptus::prompt::{
    CodingId, CodingParameters, Factors, Interpolation, KeyframeEncoder, Quantiser, Steps,
};
use promptus::segment::coded::{CodedFrame, CodedSegment};
use promptus::segment::keyframes::keyframe_positions;
use promptus::segment::{StartLatent, Track};
use promptus::time::FrameRate;

/// A rung of four components of four, at 24 frames a second, for weights that are not known.
pub(crate) fn track(visible: (u32, u32), coded: (u32, u32)) -> Track {
    let profile = Profile::mini();
    Track {
        profile: profile.name.to_owned(),
        weights: [0; 32],
        coding: CodingParameters {
            coding: CodingId::Layered,
            shape: profile.prompt_shape(coded),
            grid_width: profile.grid_width(coded) as usize,
            components: 4,
            full_rank: 4,
            quantiser: Quantiser {
                u_bits: 10,
                v_bits: 12,
            },
        },
        first_component: 0,
        interpolation: Interpolation::Prompt,
        start_latent: StartLatent::Noise,
        noise_seed: profile.start.seed,
        noise_weight: profile.start.weight as f32,
        frame_rate: FrameRate::new(24, 1).unwrap(),
        visible,
        coded,
        pixel_aspect: (1, 1),
    }
}

/// The same title's rung of the first `components`.
pub(crate) fn rung(track: &Track, components: usize) -> Track {
    let mut rung = track.clone();
    rung.coding.components = components;
    rung
}

/// Smoothly moving factors, different for every seed.
pub(crate) fn keyframes(track: &Track, count: usize, seed: u32) -> Vec<Factors> {
    let CodingParameters {
        shape, full_rank, ..
    } = track.coding;
    let wave = |i: usize, k: usize| ((i * 37 + seed as usize * 11) as f32 + 0.2 * k as f32).sin();
    let keyframe = |k| {
        let entry = |i: usize| 6.0 * wave(i, k) / (1 + i % full_rank) as f32;
        let u = (0..shape.tokens * full_rank).map(entry).collect();
        let v = (0..shape.dim * full_rank)
            .map(|i| wave(i + 999, 0) / 4.0)
            .collect();
        Factors::new(shape, full_rank, u, v).unwrap()
    };
    (0..count).map(keyframe).collect()
}

/// A coded segment and its keyframes as a decoder of all its layers sees them.
pub(crate) struct Coded {
    segment: CodedSegment,
    sequence: u32,
    first_frame: u64,
    pub(crate) decoded: Vec<Factors>,
}

impl Coded {
    /// The keyframes as the rung `track` has them.
    pub(crate) fn segment(&self, track: &Track) -> CodedSegment {
        self.segment.cut(track.layers())
    }

    /// The same with this in its first sample to start from.
    pub(crate) fn starting_with(mut self, start: Option<&[u8]>) -> Self {
        self.segment.start_latent = start.map(Bytes::copy_from_slice);
        self
    }

    /// The media segment as the rung `track` has it.
    pub(crate) fn bytes(&self, track: &Track) -> Vec<u8> {
        self.segment(track)
            .write(track, self.sequence, self.first_frame)
            .unwrap()
    }
}

/// A segment that needs nothing before it, with a keyframe every `interval` frames.
pub(crate) fn closed_segment(
    track: &Track,
    sequence: u32,
    first_frame: u64,
    frames: u32,
    interval: u32,
    seed: u32,
) -> Coded {
    let positions = keyframe_positions(frames, interval);
    let keyframes = keyframes(track, positions.len(), seed);
    code(track, sequence, first_frame, frames, &positions, &keyframes)
}

/// A segment of a chain: with a latent its first, without one a later one.
pub(crate) fn chain(
    track: &Track,
    sequence: u32,
    first_frame: u64,
    frames: u32,
    positions: &[u32],
    keyframes: &[Factors],
    latent: Option<&[u8]>,
) -> Coded {
    let mut coded = code(track, sequence, first_frame, frames, positions, keyframes);
    coded.segment.chained = latent.is_none();
    coded.segment.start_latent = latent.map(Bytes::copy_from_slice);
    coded
}

fn code(
    track: &Track,
    sequence: u32,
    first_frame: u64,
    frames: u32,
    positions: &[u32],
    keyframes: &[Factors],
) -> Coded {
    let steps = Steps::uniform(keyframes, track.coding.quantiser, 0.05).unwrap();
    let mut encoder = KeyframeEncoder::new(track.coding, steps).unwrap();
    let mut decoded = Vec::new();
    let coded = positions.iter().zip(keyframes).map(|(&position, factors)| {
        let (coded, seen) = encoder.push(factors).unwrap();
        decoded.push(seen);
        let layers = coded.layers.into_iter().map(Bytes::from).collect();
        CodedFrame { position, layers }
    });
    let segment = CodedSegment {
        frames,
        chained: false,
        start_latent: None,
        keyframes: coded.collect(),
    };
    Coded {
        segment,
        sequence,
        first_frame,
        decoded,
    }
}
