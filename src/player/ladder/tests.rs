//! Ladders for tests, and tests of ladders.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::manifest::{Group, Representation, SegmentRef};

/// `rates` in kbit/s, `segments` of `seconds` each, sizes exactly at the nominal rate.
pub(crate) fn constant_rate(rates: &[f64], segments: usize, seconds: f64) -> Ladder {
    let rungs = rates.iter().enumerate().map(|(index, &kbps)| Rung {
        id: format!("r{index}"),
        rank: index as u32 + 1,
        kbps,
    });
    let row: Vec<u64> = rates.iter().map(|r| (r * 125.0 * seconds) as u64).collect();
    let durations = vec![seconds; segments];
    Ladder::new(rungs.collect(), &durations, row.repeat(segments)).unwrap()
}

fn group(ranges: bool) -> Group {
    use crate::manifest::ByteRange;
    use crate::time::FrameRate;
    let rate = FrameRate::new(24, 1).unwrap();
    let representation = |rank: u32| Representation {
        id: format!("mini-r{rank}"),
        rank,
        bandwidth: 90_000,
        average_bandwidth: u64::from(rank) * 4000,
        codecs: "prm1.mini.1".into(),
        score: f64::from(rank),
        url: "a.mp4".into(),
        init: None,
        index: None,
        segments: (0..3)
            .map(|k| SegmentRef {
                start: rate.time_of(k * 48),
                duration: rate.time_of(48),
                url: "a.mp4".into(),
                range: ranges.then_some(ByteRange {
                    start: 700 + k * 5000,
                    length: 500 * u64::from(rank) + k,
                }),
                key_frame_end: None,
                sap: true,
            })
            .collect(),
    };
    Group {
        profile: "mini".into(),
        frame_rate: rate,
        width: 256,
        height: 256,
        pixel_aspect: (1, 1),
        weights: "0".repeat(64),
        weights_url: None,
        independent_segments: true,
        representations: vec![representation(4), representation(8)],
        layers: Vec::new(),
    }
}

#[test]
fn a_group_with_byte_ranges_is_measured_and_one_of_urls_goes_by_its_average_rate() {
    let ladder = Ladder::from_group(&group(true)).unwrap();
    assert_eq!((ladder.segments(), ladder.rungs().len()), (3, 2));
    assert_eq!(ladder.size(2, 1), 4002);
    assert_eq!(ladder.rungs()[1].kbps, 12_003.0 / 125.0 / 6.0);
    assert_eq!(ladder.rungs()[1].id, "mini-r8");
    let ladder = Ladder::from_group(&group(false)).unwrap();
    assert_eq!(ladder.rungs()[0].kbps, 16.0);
    assert_eq!(ladder.size(1, 1), 32 * 125 * 2);
}

#[test]
fn layers_stand_on_the_lowest_rung() {
    use crate::manifest::Layer;
    let mut group = group(true);
    assert!(Ladder::from_layers(&group).is_none());
    // 2000 bytes a segment below, and 500·8 + k on top.
    let stream = group.representations.remove(1);
    group.layers.push(Layer {
        first_component: 4,
        stream,
    });
    let ladder = Ladder::from_layers(&group).unwrap().unwrap();
    assert!(ladder.is_layered());
    assert_eq!((ladder.size(2, 0), ladder.size(2, 1)), (2002, 4002));
    assert!((ladder.rungs()[1].kbps - (6003.0 + 12_003.0) / 125.0 / 6.0).abs() < 1e-9);
    assert_eq!(ladder.rungs()[1].rank, 8);
}

#[test]
fn rungs_must_share_their_grid() {
    let mut short = group(true);
    short.representations[1].segments.pop();
    let error = Ladder::from_group(&short).unwrap_err();
    assert!(
        matches!(error, LadderError::Grid { segment: 2, .. }),
        "{error}"
    );
    short.representations.clear();
    let empty = LadderError::Empty { what: "rung" };
    assert_eq!(Ladder::from_group(&short), Err(empty));
}

#[test]
fn answers_where_and_how_much() {
    let ladder = constant_rate(&[16.0, 32.0], 3, 2.0);
    assert_eq!((ladder.segments(), ladder.top()), (3, 1));
    assert_eq!(ladder.size(2, 1), 8000);
    assert_eq!(ladder.start_s(1), 2.0);
    assert_eq!(ladder.total_s(), 6.0);
    let at = [-1.0, 0.0, 1.999, 2.0, 5.9, 6.0, 99.0].map(|time_s| ladder.segment_at(time_s));
    assert_eq!(at, [0, 0, 0, 1, 2, 2, 2]);
    assert_eq!(
        [1.0, 31.9, 32.0].map(|kbps| ladder.rung_within(kbps)),
        [0, 0, 1]
    );
}

fn rung(kbps: f64) -> Rung {
    Rung {
        id: "a".into(),
        rank: 1,
        kbps,
    }
}

#[test]
fn a_ladder_can_be_repeated_and_cut() {
    let ladder = Ladder::new(vec![rung(8.0)], &[2.0, 2.0, 0.7], vec![1, 2, 3]).unwrap();
    for (length_s, total_s, sizes) in [
        (0.0, 2.0, &[1][..]),
        (3.0, 4.0, &[1, 2]),
        (4.7, 4.7, &[1, 2, 3]),
        (9.4, 9.4, &[1, 2, 3, 1, 2, 3]),
        (9.5, 11.4, &[1, 2, 3, 1, 2, 3, 1]),
        (10.0, 11.4, &[1, 2, 3, 1, 2, 3, 1]),
    ] {
        let lasting = ladder.lasting(length_s);
        assert!((lasting.total_s() - total_s).abs() < 1e-9, "{length_s}");
        assert_eq!(lasting.sizes, sizes, "{length_s}");
    }
}

#[test]
fn refuses_impossible_ladders() {
    let (low, two) = ([rung(1.0)], [rung(2.0), rung(1.0)]);
    let (nan, high) = ([rung(f64::NAN)], [rung(1e10)]);
    for (rungs, durations, sizes, expected) in [
        (&[][..], &[1.0][..], &[][..], "no rung"),
        (&low, &[], &[], "no segment"),
        (&nan, &[1.0], &[1], "rate of rung 0"),
        (
            &low,
            &[1.0, 0.0],
            &[1, 1],
            "duration of segment 1: expected a positive",
        ),
        (&two, &[1.0], &[1, 1], "ascending"),
        (&low, &[1.0], &[1, 1], "expected 1 segment sizes"),
        (&low, &[1.0], &[0], "no bytes"),
        (&high, &[1.0], &[1], "expected at most"),
        (&low, &[1.0, 1e9], &[1, 1], "segment 1: expected at most"),
        (&low, &[1.0], &[1 << 33], "expected at most"),
    ] {
        let error = Ladder::new(rungs.to_vec(), durations, sizes.to_vec()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
