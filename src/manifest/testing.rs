//! Presentations for tests: one fixed, and any that can be written.

#![allow(clippy::unwrap_used)]

use super::{ByteRange, Group, Layer, Presentation, Representation, SegmentRef, measure_rates};
use crate::time::FrameRate;
use proptest::prelude::*;

/// Two rungs, three segments of 2 s, 2 s and 1.5 s at 24 frames a second.
pub(crate) fn presentation() -> Presentation {
    let rate = FrameRate::new(24, 1).unwrap();
    let rung = |rank: u32| {
        let sizes = [1000, 1100, 700].map(|size| size * u64::from(rank));
        rung("mini", rank, rate, &[48, 48, 36], &sizes, true)
    };
    Presentation {
        duration: rate.time_of(132),
        quality_url: Some("quality.json".into()),
        groups: vec![Group {
            profile: "mini".into(),
            frame_rate: rate,
            width: 256,
            height: 144,
            pixel_aspect: (1, 1),
            weights: "5e".repeat(32),
            weights_url: None,
            independent_segments: true,
            representations: vec![rung(2), rung(8)],
            layers: Vec::new(),
        }],
    }
}

/// [`presentation`] with the second rung's difference from the first as a layer.
pub(crate) fn layered() -> Presentation {
    let mut presentation = presentation();
    let group = &mut presentation.groups[0];
    group.layers = vec![layer(&group.representations[0], &group.representations[1])];
    presentation
}

fn layer(base: &Representation, rung: &Representation) -> Layer {
    let mut stream = rung.clone();
    let profile = rung.id.split("-r").next().unwrap();
    stream.id = format!("{profile}-l{}-r{}", base.rank, rung.rank);
    stream.url = format!("0f3a/{}.mp4", stream.id);
    for segment in &mut stream.segments {
        segment.url.clone_from(&stream.url);
    }
    Layer {
        first_component: base.rank,
        stream,
    }
}

/// Presentations as our packager could publish them, with byte ranges.
pub(super) fn any_presentation() -> impl Strategy<Value = Presentation> {
    let rate = (1u32..=120, prop::bool::ANY).prop_map(|(n, ntsc)| {
        let n = n.max(2);
        if ntsc {
            FrameRate::new(n * 1000, 1001)
        } else {
            FrameRate::new(n, 1)
        }
        .unwrap()
    });
    let grid = prop::collection::vec(1u64..600, 1..12);
    let ranks = prop::collection::btree_set(1u32..64, 1..5);
    let group = (16u32..4096, 16u32..4096, any::<bool>(), any::<bool>());
    let groups = prop::collection::vec((ranks, group), 1..3);
    (rate, grid, groups, any::<bool>(), 1u64..100_000).prop_map(
        |(rate, grid, groups, quality, size)| Presentation {
            duration: rate.time_of(grid.iter().sum()),
            quality_url: quality.then(|| "quality.json".into()),
            groups: groups
                .into_iter()
                .enumerate()
                .map(|(at, (ranks, (width, height, independent, weights)))| {
                    let profile = ["mini", "sd-turbo"][at];
                    let rung = |rank: &u32| {
                        let sizes: Vec<u64> =
                            (0u64..).zip(&grid).map(|(k, _)| size + 40 + k).collect();
                        rung(profile, *rank, rate, &grid, &sizes, independent)
                    };
                    Group {
                        profile: profile.into(),
                        frame_rate: rate,
                        width,
                        height,
                        pixel_aspect: (1, 1),
                        weights: "0a".repeat(32),
                        weights_url: weights.then(|| "../weights/0a.safetensors".into()),
                        independent_segments: independent,
                        representations: ranks.iter().map(rung).collect(),
                        layers: Vec::new(),
                    }
                })
                .collect(),
        },
    )
}

fn rung(
    profile: &str,
    rank: u32,
    rate: FrameRate,
    frames: &[u64],
    sizes: &[u64],
    independent: bool,
) -> Representation {
    let url = format!("0f3a/{profile}-r{rank}.mp4");
    let init = ByteRange {
        start: 0,
        length: 800,
    };
    let index = ByteRange {
        start: 800,
        length: 32 + 12 * frames.len() as u64,
    };
    let (mut frame, mut at) = (0, index.end());
    let mut segments = Vec::new();
    for (k, (&frames, &length)) in frames.iter().zip(sizes).enumerate() {
        let sap = independent || k == 0;
        segments.push(SegmentRef {
            start: rate.time_of(frame),
            duration: rate.time_of(frames),
            url: url.clone(),
            range: Some(ByteRange { start: at, length }),
            key_frame_end: sap.then_some(40 + length / 10),
            sap,
        });
        frame += frames;
        at += length;
    }
    let rates = measure_rates(init.length, &segments);
    Representation {
        id: format!("{profile}-r{rank}"),
        rank,
        bandwidth: rates.peak,
        average_bandwidth: rates.average,
        codecs: format!("prm1.{profile}.3"),
        score: f64::from(rank) / 4.0,
        url,
        init: Some(init),
        index: Some(index),
        segments,
    }
}

/// The faults of a table: lines of a text, its replacement and part of the error, between ` => `;
/// `\n` stands for a line break.
pub(super) fn faults(table: &str) -> Vec<[String; 3]> {
    let lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
    let fault = |line: &str| {
        let mut parts = line.split(" => ").map(|part| part.replace("\\n", "\n"));
        [(); 3].map(|()| parts.next().unwrap())
    };
    lines.map(fault).collect()
}

/// `text` with the first `from` replaced; it must be there.
pub(super) fn spoilt(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

/// Fails unless `result` is an error that contains `expected`.
pub(super) fn refused<T: std::fmt::Debug, E: ToString>(result: Result<T, E>, expected: &str) {
    let error = result.map_err(|error| error.to_string()).unwrap_err();
    assert!(error.contains(expected), "expected {expected}: {error}");
}
