//! One displacement per keyframe: pans move every component's map alike. Only the encoder searches.

use super::grid::{Grid, Motion};
use crate::prompt::entropy::Coder;

/// Components used by the search; higher ones do not move with the picture, since they depend on where
/// the token borders lie.
pub(super) const DECIDING: usize = 4;
/// Gain in steps that a motion needs to pay for its bits.
const LEAST_GAIN: i64 = 8;
/// Fine units of a step.
const FINE: f32 = 16.0;

/// Codes a keyframe's motion.
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

/// The motion from the maps `before` (integers) to the maps `now` (in steps) with the least sum of
/// absolute differences.
pub(super) fn search(grid: &Grid, before: &[&[i32]], now: &[&[f32]]) -> Motion {
    let fine = |value: &i32| value * FINE as i32;
    let before: Vec<Vec<i32>> = before
        .iter()
        .map(|map| map.iter().map(fine).collect())
        .collect();
    let wanted = |value: &f32| (value * FINE) as i32;
    let now: Vec<Vec<i32>> = now
        .iter()
        .map(|map| map.iter().map(wanted).collect())
        .collect();
    let apart = |motion: Motion| -> i64 {
        let maps = before.iter().zip(&now);
        let apart = maps.map(|(before, now)| {
            let pairs = grid.moved(before, motion).into_iter().zip(now);
            pairs.map(|(a, &b)| i64::from(a.abs_diff(b))).sum::<i64>()
        });
        apart.sum()
    };
    let span = -Motion::MAX..=Motion::MAX;
    let rest = apart(Motion::default()) - LEAST_GAIN * FINE as i64;
    let mut best = (rest, Motion::default());
    for y in span.clone() {
        for x in span.clone() {
            let motion = Motion { x, y };
            let sum = apart(motion);
            if sum < best.0 {
                best = (sum, motion);
            }
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_displaced_map_is_found() {
        let grid = Grid::new(256, 16);
        let map: Vec<i32> = (0..256u32)
            .map(|i| ((i * i * 7919) >> 5) as i32 % 40)
            .collect();
        let motion = Motion { x: -3, y: 4 };
        let fine: Vec<i32> = map.iter().map(|value| value * 16).collect();
        let moved: Vec<f32> = grid
            .moved(&fine, motion)
            .iter()
            .map(|&v| v as f32 / 16.0)
            .collect();
        assert_eq!(search(&grid, &[&map], &[&moved]), motion);
        let same: Vec<f32> = map.iter().map(|&value| value as f32).collect();
        assert_eq!(search(&grid, &[&map], &[&same]), Motion::default());
    }
}
