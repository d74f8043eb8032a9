//! One displacement per keyframe: pans move every component's map alike. Only the encoder searches.

use super::grid::{Grid, Motion};
use crate::prompt::entropy::Coder;

/// Components used by the search; higher ones do not move with the picture, since they depend on where
/// the token borders lie.
const DECIDING: usize = 4;
/// Gain in steps that a motion needs to pay for its bits.
const LEAST_GAIN: i64 = 8;
/// Fine units of a step.
const FINE: f32 = 16.0;

pub(super) fn code(coder: &mut impl Coder, target: Motion) -> Motion {
    if coder.flag(192, target == Motion::default()) {
        return Motion::default();
    }
    let mut axis = |target: i32| {
        let offset = coder.bits(4, (target + Motion::MAX) as u32) as i32;
        (offset - Motion::MAX).min(Motion::MAX)
    };
    Motion {
        x: axis(target.x),
        y: axis(target.y),
    }
}

/// The motion with the least sum of absolute differences between maps before (integers) and now (in
/// steps), given as pairs, lowest component first.
pub(super) fn search<'a>(
    grid: &Grid,
    maps: impl Iterator<Item = (&'a [i32], &'a [f32])>,
) -> Motion {
    let fine = |(before, now): (&[i32], &[f32])| {
        let before = before.iter().map(|value| value * FINE as i32).collect();
        let now = now.iter().map(|value| (value * FINE) as i32).collect();
        (before, now)
    };
    let maps: Vec<(Vec<i32>, Vec<i32>)> = maps.take(DECIDING).map(fine).collect();
    let difference = |motion: Motion| -> i64 {
        let pairs = maps
            .iter()
            .flat_map(|(before, now)| grid.moved(before, motion).into_iter().zip(now));
        pairs.map(|(a, &b)| i64::from(a.abs_diff(b))).sum()
    };
    let span = -Motion::MAX..=Motion::MAX;
    let mut best = difference(Motion::default()) - LEAST_GAIN * FINE as i64;
    let mut found = Motion::default();
    for y in span.clone() {
        for x in span.clone() {
            let sum = difference(Motion { x, y });
            if sum < best {
                (best, found) = (sum, Motion { x, y });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_displaced_map_is_found() {
        let grid = Grid::new(256, 16);
        let value = |i: u32| ((i * i * 7919) >> 5) as i32 % 40;
        let map: Vec<i32> = (0..256).map(value).collect();
        let fine: Vec<i32> = map.iter().map(|value| value * 16).collect();
        for motion in [Motion { x: -3, y: 4 }, Motion::default()] {
            let moved = grid.moved(&fine, motion).into_iter();
            let moved: Vec<f32> = moved.map(|value| value as f32 / 16.0).collect();
            assert_eq!(search(&grid, [(&map[..], &moved[..])].into_iter()), motion);
        }
    }
}
