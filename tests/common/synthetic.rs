//! Small random titles of profile `mini`: no fit, but prompts that a generator can render.

#![allow(dead_code, reason = "every test binary uses its own part")]

use super::title;
use bytes::Bytes;
use promptus::model::Profile;
use promptus::package::{Rung, TitleContent, TitleFiles};
use promptus::prompt::{Factors, KeyframeEncoder, Quantiser, Steps};
use promptus::segment::Track;
use promptus::segment::coded::{CodedFrame, CodedSegment};
use promptus::segment::keyframes::keyframe_positions;
use std::path::Path;

/// A rung of four components of four, at 24 frames a second, for weights that are not known.
pub(crate) fn track(visible: (u32, u32), coded: (u32, u32)) -> Track {
    let (profile, mut track) = (Profile::mini(), title::track(4, "24"));
    (track.weights, track.visible, track.coded) = ([0; 32], visible, coded);
    track.coding.shape = profile.prompt_shape(coded);
    track.coding.grid_width = profile.grid_width(coded) as usize;
    track.coding.quantiser = Quantiser {
        u_bits: 10,
        v_bits: 12,
    };
    track
}

/// The same title's rung of the first `components`.
pub(crate) fn rung(track: &Track, components: usize) -> Track {
    let mut rung = track.clone();
    rung.coding.components = components;
    rung
}

/// Publishes rungs of these ranks in closed segments of so many frames, a keyframe every `interval`
/// frames; with several ranks and `layers`, layers as well.
pub(crate) fn put(
    folder: &Path,
    track: &Track,
    lengths: &[u32],
    interval: u32,
    ranks: &[usize],
    layers: bool,
) -> TitleFiles {
    let mut first = 0;
    let segments = (1..).zip(lengths).map(|(number, &frames)| {
        let coded = closed_segment(track, number, first, frames, interval, number);
        first += u64::from(frames);
        coded.segment
    });
    let top = Rung {
        segments: segments.collect(),
        track: track.clone(),
    };
    let content = TitleContent {
        rungs: ranks.iter().map(|&rank| top.cut(rank)).collect(),
        layers,
        ..TitleContent::default()
    };
    title::put(folder, &content)
}

/// Smoothly moving factors, different for every seed.
pub(crate) fn keyframes(track: &Track, count: usize, seed: u32) -> Vec<Factors> {
    let (shape, rank) = (track.coding.shape, track.coding.full_rank);
    let wave = |i: usize, k: usize| ((i * 37 + seed as usize * 11) as f32 + 0.2 * k as f32).sin();
    let keyframe = |k| {
        let u = |i: usize| 6.0 * wave(i, k) / (1 + i % rank) as f32;
        let v = |i: usize| wave(i + 999, 0) / 4.0;
        let u = (0..shape.tokens * rank).map(u).collect();
        let v = (0..shape.dim * rank).map(v).collect();
        Factors::new(shape, rank, u, v).unwrap()
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

    /// The same with this start latent in its first sample.
    pub(crate) fn starting_with(mut self, start: Option<&[u8]>) -> Self {
        self.segment.start_latent = start.map(Bytes::copy_from_slice);
        self
    }

    /// The media segment as the rung `track` has it.
    pub(crate) fn bytes(&self, track: &Track) -> Vec<u8> {
        let segment = self.segment(track);
        segment
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
    coded.starting_with(latent)
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
    Coded {
        segment: CodedSegment {
            frames,
            chained: false,
            start_latent: None,
            keyframes: coded.collect(),
        },
        sequence,
        first_frame,
        decoded,
    }
}
