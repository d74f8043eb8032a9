//! The layered coding from outside: golden bytes, round trips, and what damage does.
#![allow(clippy::unwrap_used)]

use std::fmt::Write;

use promptus::prompt::{CodedKeyframe, CodingId, CodingParameters, Factors, Quantiser};
use promptus::prompt::{KeyframeDecoder, KeyframeEncoder, Shape, Steps};
use promptus::segment::hex;
use proptest::prelude::*;

fn parameters(shape: Shape, grid_width: usize, components: usize) -> CodingParameters {
    CodingParameters {
        coding: CodingId::Layered,
        shape,
        grid_width,
        components,
        full_rank: components,
        quantiser: Quantiser::new(9, 13),
    }
}

/// Small whole numbers that look like noise, the same everywhere.
fn noise(seed: usize) -> f32 {
    let mixed = (seed as u32 ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b1);
    (((mixed ^ mixed >> 15).wrapping_mul(0x85eb_ca6b) >> 24) as f32 - 127.5) / 128.0
}

/// A slope that moves and fades into noise in higher components; V orthonormal by construction.
fn segment(shape: Shape, grid_width: usize, rank: usize, keyframes: usize) -> Vec<Factors> {
    let width = grid_width.max(1);
    let value = |k: usize, at: usize, j: usize| {
        let slope = (at % width * 3 + at / width * 2 + k) as f32;
        (slope + 4.0 * noise(at * 31 + j) + noise(at + 977 * k + j)) / (1 << j) as f32
    };
    let keyframe = |k: usize| {
        let entries = (0..shape.tokens).flat_map(|at| (0..rank).map(move |j| value(k, at, j)));
        let mut v = vec![0.0; rank * shape.dim];
        for j in 0..rank {
            v[j * shape.dim + 2 * j] = 0.8;
            v[j * shape.dim + 2 * j + 1] = -0.6;
        }
        Factors::new(shape, rank, entries.collect(), v).unwrap()
    };
    (0..keyframes).map(keyframe).collect()
}

fn encode(
    parameters: CodingParameters,
    segment: &[Factors],
    step: f32,
) -> Vec<(CodedKeyframe, Factors)> {
    let steps = Steps::uniform(segment, parameters.quantiser, step).unwrap();
    let mut encoder = KeyframeEncoder::new(parameters, steps).unwrap();
    let coded = segment
        .iter()
        .map(|keyframe| encoder.push(keyframe).unwrap());
    coded.collect()
}

fn slices(coded: &CodedKeyframe) -> Vec<&[u8]> {
    coded.layers.iter().map(Vec::as_slice).collect()
}

fn size(coded: &CodedKeyframe) -> usize {
    coded.layers.iter().map(Vec::len).sum()
}

/// These bytes are the format: a change here is a new coding id.
#[test]
fn golden_bytes() {
    let shape = Shape::new(24, 6);
    let parameters = parameters(shape, 6, 3);
    let segment = segment(shape, 6, 3, 3);
    let mut text = String::new();
    for (coded, seen) in encode(parameters, &segment, 0.5) {
        for layer in &coded.layers {
            writeln!(text, "{}", hex(layer)).unwrap();
        }
        let entries = seen.u().iter().map(|value| (value * 2.0) as i64);
        let sum = entries.fold(0, |sum: i64, value| (sum * 31 + value) % 1_000_003);
        writeln!(text, "{sum}").unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_prefix_of_the_layers_is_a_rung() {
    let shape = Shape::new(64, 12);
    let whole = parameters(shape, 8, 5);
    let coded = encode(whole, &segment(shape, 8, 5, 4), 0.25);
    for components in 1..=5 {
        let mut rung = whole;
        rung.components = components;
        // A decoder of all layers takes fewer, too.
        for parameters in [rung, whole] {
            let mut decoder = KeyframeDecoder::new(parameters).unwrap();
            for (keyframe, seen) in &coded {
                let factors = decoder.push(&slices(keyframe)[..components]).unwrap();
                assert_eq!(factors, seen.truncated(components));
            }
            let error = decoder.push(&[&[][..]; 6]).unwrap_err().to_string();
            let text = "keyframe 4 of the segment has 6 layers, expected 1 to";
            assert_eq!(error, format!("{text} {components}"));
        }
    }
}

#[test]
fn wrong_parameters_are_refused() {
    let right = parameters(Shape::new(12, 5), 4, 2);
    let (mut grid, mut rung) = (right, right);
    (grid.grid_width, rung.components) = (5, 3);
    for wrong in [grid, rung] {
        assert!(KeyframeDecoder::new(wrong).is_err());
    }
    assert!(CodingId::try_from(2).is_err());
}

#[test]
fn still_keyframes_cost_next_to_nothing() {
    let shape = Shape::new(256, 32);
    let keyframe = segment(shape, 16, 4, 1).remove(0);
    let coded = encode(parameters(shape, 16, 4), &vec![keyframe; 6], 0.5);
    let [first, third, last] = [0, 2, 5].map(|k| size(&coded[k].0));
    assert!(first > 250 && third < 70 && last < 70, "{third} {last}");
}

#[test]
fn rdoq_saves_bytes_and_stays_within_a_step() {
    let shape = Shape::new(256, 32);
    let (parameters, step) = (parameters(shape, 16, 4), 1.0);
    let segment = segment(shape, 16, 4, 3);
    let steps = Steps::uniform(&segment, parameters.quantiser, step).unwrap();
    let mut encoder = KeyframeEncoder::with_rdoq(parameters, steps, 0.1).unwrap();
    let mut decoder = KeyframeDecoder::new(parameters).unwrap();
    let (mut optimised, mut plain) = (0, 0);
    for (keyframe, (rounded, _)) in segment.iter().zip(encode(parameters, &segment, step)) {
        let (coded, seen) = encoder.push(keyframe).unwrap();
        assert_eq!(decoder.push(&slices(&coded)).unwrap(), seen);
        let mut errors = seen.u().iter().zip(keyframe.u());
        assert!(errors.all(|(a, b)| (a - b).abs() <= step));
        optimised += size(&coded);
        plain += size(&rounded);
    }
    assert!(optimised < plain, "{optimised} {plain}");
}

#[test]
fn a_v_that_changes_is_followed() {
    let shape = Shape::new(16, 8);
    let mut segment = segment(shape, 4, 2, 4);
    for (k, keyframe) in segment.iter_mut().enumerate().skip(2) {
        let v = (0..16).map(|i| noise(i + k * 100)).collect();
        *keyframe = Factors::new(shape, 2, keyframe.u().to_vec(), v).unwrap();
    }
    let parameters = parameters(shape, 4, 2);
    let mut decoder = KeyframeDecoder::new(parameters).unwrap();
    for ((coded, seen), keyframe) in encode(parameters, &segment, 0.1).iter().zip(&segment) {
        assert_eq!(&decoder.push(&slices(coded)).unwrap(), seen);
        for (got, want) in seen.v().iter().zip(keyframe.v()) {
            assert!((got - want).abs() < 0.05);
        }
    }
}

#[test]
fn bytes_behind_a_layer_are_seen() {
    let shape = Shape::new(16, 8);
    let parameters = parameters(shape, 4, 2);
    let (mut coded, _) = encode(parameters, &segment(shape, 4, 2, 1), 0.5).remove(0);
    coded.layers[1].extend([1; 8]);
    let mut decoder = KeyframeDecoder::new(parameters).unwrap();
    let error = decoder.push(&slices(&coded)).unwrap_err();
    let text = "layer 1 of keyframe 0 is damaged: bytes are left over after the last symbol";
    assert_eq!(error.to_string(), text);
}

fn any_segment() -> impl Strategy<Value = (CodingParameters, Vec<Factors>, f32)> {
    let (grid, sizes) = ((1..5usize, 1..9usize), (1..20usize, 1..4usize, 1..5usize));
    let sizes = (grid, sizes, any::<bool>());
    sizes.prop_flat_map(|((height, width), (dim, rank, keyframes), gridless)| {
        let tokens = height * width;
        let shape = Shape::new(tokens, dim);
        let values = |count: usize| prop::collection::vec(-50.0..50.0f32, count);
        let keyframe = (values(tokens * rank), values(dim * rank));
        let keyframes = prop::collection::vec(keyframe, keyframes);
        (keyframes, 0.01..40.0f32).prop_map(move |(keyframes, step)| {
            let segment = keyframes.into_iter();
            let segment = segment.map(|(u, v)| Factors::new(shape, rank, u, v).unwrap());
            let grid_width = if gridless { 0 } else { width };
            (parameters(shape, grid_width, rank), segment.collect(), step)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn decoders_see_what_encoders_report(
        (mut parameters, segment, step) in any_segment(),
        layered in any::<bool>(),
    ) {
        if !layered {
            parameters.coding = CodingId::Reference;
        }
        let mut decoder = KeyframeDecoder::new(parameters).unwrap();
        for ((coded, seen), keyframe) in encode(parameters, &segment, step).iter().zip(&segment) {
            prop_assert_eq!(&decoder.push(&slices(coded)).unwrap(), seen);
            // Values of up to 50 in 8 or 9 bits, or in steps.
            let mut errors = seen.u().iter().zip(keyframe.u());
            prop_assert!(errors.all(|(a, b)| (a - b).abs() < 0.3 + 0.6 * step));
        }
    }

    #[test]
    fn damage_gives_an_error_or_other_factors(
        (parameters, segment, step) in any_segment(),
        at in any::<prop::sample::Index>(),
        bit in 0..8u8,
        cut in any::<bool>(),
    ) {
        let mut decoder = KeyframeDecoder::new(parameters).unwrap();
        for (mut coded, _) in encode(parameters, &segment, step) {
            for layer in &mut coded.layers {
                if layer.is_empty() {
                    continue;
                }
                let at = at.index(layer.len());
                match cut {
                    true => layer.truncate(at),
                    false => layer[at] ^= 1 << bit,
                }
            }
            if let Ok(factors) = decoder.push(&slices(&coded)) {
                prop_assert_eq!(factors.rank(), parameters.components);
            }
        }
    }

    #[test]
    fn any_bytes_decode_or_fail(
        layers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..4),
        keyframes in 1..4usize,
    ) {
        let parameters = parameters(Shape::new(20, 9), 5, 3);
        let mut decoder = KeyframeDecoder::new(parameters).unwrap();
        let layers: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
        for _ in 0..keyframes {
            if decoder.push(&layers).is_err() {
                break;
            }
        }
    }
}
