//! Presentations for tests: one fixed, and any that can be written.

#![allow(clippy::unwrap_used)]

use super::{ByteRange, Group, Layer, Presentation, Representation, SegmentRef, measure_rates};
use crate::time::FrameRate;
use proptest::prelude::*;

/// Two rungs, three segments of 2 s, 2 s and 1.5 s at 24 frames a second.
pub(crate) fn presentation() -> Presentation {
    let rate = FrameRate::new(24, 1).unwrap();
    let size = |rank: u32, number: usize| [1000, 1100, 700][number] * u64::from(rank);
    let mut group = group(("mini", true), rate, &[48, 48, 36], [2, 8], size);
    (group.width, group.height) = (256, 144);
    Presentation {
        duration: rate.time_of(132),
        quality_url: Some("quality.json".into()),
        groups: vec![group],
    }
}

/// [`presentation`] with the second rung's difference from the first as a layer.
pub(crate) fn layered() -> Presentation {
    let mut presentation = presentation();
    let group = &mut presentation.groups[0];
    let mut stream = group.representations[1].clone();
    stream.id = "mini-l2-r8".to_owned();
    stream.url = "0f3a/mini-l2-r8.mp4".to_owned();
    for segment in &mut stream.segments {
        segment.url.clone_from(&stream.url);
    }
    let first_component = group.representations[0].rank;
    group.layers = vec![Layer {
        first_component,
        stream,
    }];
    presentation
}

/// Presentations as our packager could publish them, with byte ranges.
pub(super) fn any_presentation() -> impl Strategy<Value = Presentation> {
    let rate = (2u32..=120, any::<bool>()).prop_map(|(n, ntsc)| match ntsc {
        true => FrameRate::new(n * 1000, 1001).unwrap(),
        false => FrameRate::new(n, 1).unwrap(),
    });
    let grid = prop::collection::vec(1u64..600, 1..12);
    let ranks = prop::collection::btree_set(1u32..64, 1..5);
    let group = (
        ranks,
        16u32..4096,
        16u32..4096,
        any::<bool>(),
        any::<bool>(),
    );
    let groups = prop::collection::vec(group, 1..3);
    let all = (rate, grid, groups, any::<bool>(), 1u64..100_000);
    all.prop_map(|(rate, grid, groups, quality, size)| {
        let groups = groups.into_iter().zip(["mini", "sd-turbo"]);
        let groups = groups.map(
            |((ranks, width, height, independent, weights), profile)| Group {
                width,
                height,
                weights_url: weights.then(|| "../weights/0a.safetensors".into()),
                ..self::group((profile, independent), rate, &grid, ranks, |_, number| {
                    size + 40 + number as u64
                })
            },
        );
        Presentation {
            duration: rate.time_of(grid.iter().sum()),
            quality_url: quality.then(|| "quality.json".into()),
            groups: groups.collect(),
        }
    })
}

/// A group of 16 by 16 pixels with rungs of `ranks` in segments of `frames`; `size` gives the bytes of a rung's
/// segment by rank and number.
fn group(
    (profile, independent): (&str, bool),
    rate: FrameRate,
    frames: &[u64],
    ranks: impl IntoIterator<Item = u32>,
    size: impl Fn(u32, usize) -> u64,
) -> Group {
    let init = ByteRange {
        start: 0,
        length: 800,
    };
    let index = ByteRange {
        start: 800,
        length: 32 + 12 * frames.len() as u64,
    };
    let rung = |rank| {
        let url = format!("0f3a/{profile}-r{rank}.mp4");
        let (mut frame, mut start) = (0, index.end());
        let segments = frames.iter().enumerate().map(|(number, &frames)| {
            let (sap, length) = (independent || number == 0, size(rank, number));
            let segment = SegmentRef {
                start: rate.time_of(frame),
                duration: rate.time_of(frames),
                url: url.clone(),
                range: Some(ByteRange { start, length }),
                key_frame_end: sap.then_some(40 + length / 10),
                sap,
            };
            frame += frames;
            start += length;
            segment
        });
        let segments: Vec<SegmentRef> = segments.collect();
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
    };
    Group {
        profile: profile.into(),
        frame_rate: rate,
        width: 16,
        height: 16,
        pixel_aspect: (1, 1),
        weights: "5e".repeat(32),
        weights_url: None,
        independent_segments: independent,
        representations: ranks.into_iter().map(rung).collect(),
        layers: Vec::new(),
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
