//! Invented keyframes in real coding: waves over the token grid that shrink from component to
//! component as those of pictures do, half of the grid static.

use super::SpeedError;
use crate::model::Profile;
use crate::prompt::{
    CodedKeyframe, CodingId, CodingParameters, Factors, Interpolation, KeyframeEncoder,
    PromptError, Quantiser, Steps,
};
use crate::segment::coded::{CodedFrame, CodedSegment};
use crate::segment::keyframes::keyframe_positions;
use crate::segment::{StartLatent, Track};
use crate::time::FrameRate;
use bytes::Bytes;

/// Frames from one keyframe to the next.
const INTERVAL: u32 = 10;

/// The top rung of a title of `profile` whose pictures have `size`.
pub(super) fn track(profile: &Profile, size: (u32, u32)) -> Result<Track, SpeedError> {
    let coded = profile.coded_size(size);
    let coding = CodingParameters {
        coding: CodingId::Layered,
        shape: profile.prompt_shape(coded),
        grid_width: profile.grid_width(coded) as usize,
        components: profile.full_rank,
        full_rank: profile.full_rank,
        quantiser: Quantiser {
            u_bits: 9,
            v_bits: 12,
        },
    };
    Ok(Track {
        profile: profile.name.to_owned(),
        weights: [0; 32],
        coding,
        first_component: 0,
        interpolation: Interpolation::Prompt,
        start_latent: StartLatent::Noise,
        noise_seed: profile.start.seed,
        noise_weight: profile.start.weight as f32,
        frame_rate: FrameRate::new(30, 1)?,
        visible: size,
        coded,
        pixel_aspect: (1, 1),
    })
}

/// Keyframes of all components.
pub(super) fn keyframes(
    coding: &CodingParameters,
    count: usize,
) -> Result<Vec<Factors>, PromptError> {
    let CodingParameters {
        shape, full_rank, ..
    } = *coding;
    let width = coding.grid_width.max(1);
    let value = |k: usize, i: usize| {
        let (token, j) = (i / full_rank, i % full_rank);
        let (x, y) = ((token % width) as f32, (token / width) as f32);
        let moves = y as usize % 4 >= 2;
        let moved = if moves { 0.3 * k as f32 } else { 0.0 };
        let phase = 0.2 * x * (j + 1) as f32 + 0.3 * y + moved;
        4.0 * phase.sin() / (1 + j) as f32
    };
    let row = |i: usize| 0.3 * (1.7 * i as f32).sin();
    let keyframe = |k| {
        let u = (0..shape.tokens * full_rank).map(|i| value(k, i)).collect();
        let v = (0..full_rank * shape.dim).map(row).collect();
        Factors::new(shape, full_rank, u, v)
    };
    (0..count).map(keyframe).collect()
}

/// The coded keyframes.
pub(super) fn encode(
    coding: CodingParameters,
    keyframes: &[Factors],
) -> Result<Vec<CodedKeyframe>, PromptError> {
    let steps = Steps::uniform(keyframes, coding.quantiser, 0.05)?;
    let mut encoder = KeyframeEncoder::new(coding, steps)?;
    let push = |keyframe| Ok(encoder.push(keyframe)?.0);
    keyframes.iter().map(push).collect()
}

/// A media segment of `frames` frames.
pub(super) fn media(track: &Track, frames: u32) -> Result<Vec<u8>, SpeedError> {
    let positions = keyframe_positions(frames, INTERVAL);
    let coded = encode(track.coding, &keyframes(&track.coding, positions.len())?)?;
    let keyframes = positions.into_iter().zip(coded);
    let keyframes = keyframes.map(|(position, keyframe)| {
        let layers = keyframe.layers.into_iter().map(Bytes::from).collect();
        CodedFrame { position, layers }
    });
    let segment = CodedSegment {
        frames,
        chained: false,
        start_latent: None,
        keyframes: keyframes.collect(),
    };
    Ok(segment.write(track, 1, 0)?)
}
