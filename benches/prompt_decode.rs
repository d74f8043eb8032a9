//! Time from the bytes of a keyframe to factors, and from factors to a prompt:
//! `cargo bench --bench prompt_decode --no-default-features`.
#![allow(missing_docs, clippy::unwrap_used)]

use divan::{Bencher, black_box};
use promptus::prompt::{
    CodedKeyframe, CodingId, CodingParameters, Factors, Interpolation, KeyframeDecoder,
    KeyframeEncoder, Quantiser, Shape, Steps, between,
};

/// A 256×256 picture of the `mini` profile.
const PARAMETERS: CodingParameters = CodingParameters {
    coding: CodingId::Layered,
    shape: Shape {
        tokens: 256,
        dim: 32,
    },
    grid_width: 16,
    components: 16,
    full_rank: 16,
    quantiser: Quantiser {
        u_bits: 9,
        v_bits: 15,
    },
};
const KEYFRAMES: usize = 7;

fn main() {
    divan::main();
}

fn noise(seed: usize) -> f32 {
    let mixed = (seed as u32 ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b1);
    (((mixed ^ mixed >> 15).wrapping_mul(0x85eb_ca6b) >> 16) as f32 - 32767.5) / 32768.0
}

/// A segment whose components shrink as those of real pictures do, half of it at rest.
fn segment() -> Vec<Factors> {
    let value = |k: usize, at: usize, j: usize| {
        let slope = (at % 16 + at / 16) as f32 / (1 + j * j) as f32;
        let moving = at / 128 * k * 977;
        slope + 6.0 * noise(at * 31 + j + moving) / (1 + j) as f32
    };
    let row = |j: usize| (0..32).map(move |d| noise(j * 32 + d) * 0.3);
    let keyframe = |k: usize| {
        let entries = (0..256).flat_map(|at| (0..16).map(move |j| value(k, at, j)));
        let v = (0..16).flat_map(row).collect();
        Factors::new(PARAMETERS.shape, 16, entries.collect(), v).unwrap()
    };
    (0..KEYFRAMES).map(keyframe).collect()
}

fn encode(segment: &[Factors]) -> Vec<CodedKeyframe> {
    let steps = Steps::uniform(segment, PARAMETERS.quantiser, 0.5).unwrap();
    let mut encoder = KeyframeEncoder::new(PARAMETERS, steps).unwrap();
    segment
        .iter()
        .map(|keyframe| encoder.push(keyframe).unwrap().0)
        .collect()
}

/// One segment: divide by seven for a keyframe.
#[divan::bench(args = [3, 5, 9, 16])]
fn decode_segment(bencher: Bencher<'_, '_>, components: usize) {
    let coded = encode(&segment());
    let layers: Vec<Vec<&[u8]>> = coded
        .iter()
        .map(|keyframe| {
            keyframe.layers[..components]
                .iter()
                .map(Vec::as_slice)
                .collect()
        })
        .collect();
    let parameters = CodingParameters {
        components,
        ..PARAMETERS
    };
    bencher.bench(|| {
        let mut decoder = KeyframeDecoder::new(parameters).unwrap();
        for layers in &layers {
            black_box(decoder.push(layers).unwrap());
        }
    });
}

/// The peer: the reference's 8-bit payloads of one segment, which are not entropy-coded.
#[divan::bench(args = [3, 5, 9, 16])]
fn decode_reference_segment(bencher: Bencher<'_, '_>, components: usize) {
    let parameters = CodingParameters {
        coding: CodingId::Reference,
        components,
        ..PARAMETERS
    };
    let low: Vec<Factors> = segment().iter().map(|k| k.truncated(components)).collect();
    let steps = Steps::uniform(&low, PARAMETERS.quantiser, 0.5).unwrap();
    let mut encoder = KeyframeEncoder::new(parameters, steps).unwrap();
    let coded: Vec<CodedKeyframe> = low.iter().map(|k| encoder.push(k).unwrap().0).collect();
    bencher.bench(|| {
        let mut decoder = KeyframeDecoder::new(parameters).unwrap();
        for keyframe in &coded {
            black_box(decoder.push(&[&keyframe.layers[0]]).unwrap());
        }
    });
}

/// One segment, motion search included.
#[divan::bench]
fn encode_segment(bencher: Bencher<'_, '_>) {
    let segment = segment();
    bencher.bench(|| encode(&segment));
}

/// The prompt of one frame between two keyframes.
#[divan::bench(args = [3, 16])]
fn interpolate(bencher: Bencher<'_, '_>, components: usize) {
    let segment = segment();
    bencher.bench(|| {
        between(
            &segment[0],
            &segment[1],
            0.3,
            Interpolation::Prompt,
            components,
        )
    });
}
