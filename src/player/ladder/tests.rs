//! Ladders for tests, and tests of ladders.

use super::*;
use crate::manifest::testing::{layered, presentation};

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

#[test]
fn a_group_with_byte_ranges_is_measured_and_one_of_urls_goes_by_its_average_rate() {
    let mut group = presentation().groups.remove(0);
    let ladder = Ladder::from_group(&group).unwrap();
    assert_eq!((ladder.segments(), ladder.rungs().len()), (3, 2));
    assert_eq!(ladder.size(2, 1), 5600);
    assert_eq!(ladder.kbps(1), 22_400.0 / 125.0 / 5.5);
    assert_eq!(ladder.rungs()[1].id, "mini-r8");
    for rung in &mut group.representations {
        rung.average_bandwidth = 4000 * u64::from(rung.rank);
        rung.segments
            .iter_mut()
            .for_each(|segment| segment.range = None);
    }
    let ladder = Ladder::from_group(&group).unwrap();
    assert_eq!((ladder.kbps(0), ladder.size(1, 1)), (8.0, 32 * 125 * 2));
}

#[test]
fn layers_stand_on_the_lowest_rung() {
    assert!(Ladder::from_layers(&presentation().groups[0]).is_none());
    let layers = Ladder::from_layers(&layered().groups[0]);
    let ladder = layers.unwrap().unwrap();
    assert!(ladder.is_layered());
    assert_eq!((ladder.size(2, 0), ladder.size(2, 1)), (1400, 5600));
    assert!((ladder.kbps(1) - 28_000.0 / 125.0 / 5.5).abs() < 1e-9);
    assert_eq!(ladder.rungs()[1].rank, 8);
}

#[test]
fn rungs_must_share_their_grid() {
    let mut short = presentation().groups.remove(0);
    short.representations[1].segments.pop();
    let error = Ladder::from_group(&short).unwrap_err();
    assert!(matches!(error, LadderError::Grid { segment: 2, .. }));
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
