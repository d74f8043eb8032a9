//! Keyframe interval of a segment: a balance of coding error and interpolation error.
//!
//! At equal rate, keyframes farther apart get more bytes each, so their error falls; the error of the
//! interpolated frames between them grows. Both are estimated before the fit:
//!
//! * A keyframe's squared error at a middle rung is about the variance of the picture inside 4×4 cells
//!   for an interval of eight frames, and falls with the bytes of a keyframe to the power −3/4 (both
//!   measured on clips of clouds and of a face, at 10 to 45 kbit/s).
//! * The interpolation error is measured on the originals. Averaged over the interval, about half of it
//!   adds to the keyframes' own error.

use crate::flow::Between;
use crate::frame::Frame;
use rayon::prelude::*;

/// Frames from keyframe to keyframe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// A fixed number, at least 1.
    Frames(u32),
    /// Chosen per segment from its motion.
    Auto,
}

const TRIED: [u32; 8] = [3, 4, 6, 8, 10, 12, 20, 30];
/// Interval at which a keyframe's error equals `detail`, and the exponent of its fall.
const USUAL: f64 = 8.0;
const FALL: f64 = 0.75;
/// Weight of the interpolation error.
const INSIDE: f64 = 0.5;
/// Most positions in a segment where an interval is evaluated.
const PLACES: usize = 4;
/// Side of the cells whose variance measures detail that prompts cannot represent.
const CELL: usize = 4;

impl Interval {
    /// The interval for a segment of `frames`, of one size, with scene cuts at `cuts` (ascending).
    pub fn of(self, frames: &[Frame], cuts: &[u32]) -> u32 {
        match self {
            Self::Frames(frames) => frames.max(1),
            Self::Auto => balanced(frames, cuts),
        }
    }
}

fn balanced(frames: &[Frame], cuts: &[u32]) -> u32 {
    let step = frames.len().div_ceil(PLACES).max(1);
    let looked = frames.iter().step_by(step);
    let detail = looked.clone().map(detail).sum::<f64>() / looked.len().max(1) as f64;
    let cost = |interval: u32| {
        let fitted = detail * (USUAL / f64::from(interval)).powf(FALL);
        let moved = moved(frames, cuts, interval)?;
        Some((interval, fitted + INSIDE * moved))
    };
    let best = TRIED.into_iter().filter_map(cost);
    let best = best.min_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or(TRIED[0], |(interval, _)| interval)
}

/// Mean squared error of interpolation over intervals of this length at several positions; `None` if no
/// interval fits between two cuts.
fn moved(frames: &[Frame], cuts: &[u32], interval: u32) -> Option<f64> {
    let starts = 0..(frames.len() as u32).saturating_sub(interval);
    let spans = |start: u32, cut: u32| (start + 1..=start + interval).contains(&cut);
    let starts = starts.filter(|&start| !cuts.iter().any(|&cut| spans(start, cut)));
    let starts: Vec<u32> = starts.collect();
    let step = starts.len().div_ceil(PLACES).max(1);
    let places: Vec<u32> = starts.into_iter().step_by(step).collect();
    let errors = places.par_iter().map(|&start| {
        let frame = |at: u32| &frames[at as usize];
        let motion = Between::new(frame(start), frame(start + interval)).ok()?;
        let error = |inside: u32| {
            let t = inside as f32 / interval as f32;
            squared_error(&motion.at(t), frame(start + inside))
        };
        // Two times, so that a periodic motion of half an interval is not missed.
        Some(0.5 * (error(interval / 2) + error(interval.div_ceil(3))))
    });
    let errors: Vec<f64> = errors.collect::<Option<_>>()?;
    (!errors.is_empty()).then(|| errors.iter().sum::<f64>() / errors.len() as f64)
}

fn squared_error(a: &Frame, b: &Frame) -> f64 {
    let pairs = a.data().iter().zip(b.data());
    let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    sum as f64 / a.data().len() as f64
}

/// Mean variance inside the cells of a picture, without partial cells at its edges.
fn detail(frame: &Frame) -> f64 {
    let [columns, rows] = [frame.width(), frame.height()].map(|side| side as usize / CELL);
    let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
    let sum: f64 = cells
        .map(|(column, row)| variance(frame, column, row))
        .sum();
    sum / (3 * columns * rows).max(1) as f64
}

/// Sum over the three colours of the variance in a cell.
fn variance(frame: &Frame, column: usize, row: usize) -> f64 {
    let (mut sum, mut square) = ([0.0; 3], [0.0; 3]);
    for i in 0..CELL * CELL {
        let (x, y) = (column * CELL + i % CELL, row * CELL + i / CELL);
        for (part, value) in frame.pixel(x as u32, y as u32).into_iter().enumerate() {
            sum[part] += f64::from(value);
            square[part] += f64::from(value) * f64::from(value);
        }
    }
    let area = (CELL * CELL) as f64;
    let parts = sum.into_iter().zip(square);
    let variances = parts.map(|(sum, square)| (square - sum * sum / area) / area);
    variances.sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Interval;
    use crate::frame::Frame;

    /// A texture that moves right by `speed` pixels a frame, and jumps back and forth by up to `shake`.
    fn moving(speed: f32, shake: f32) -> Vec<Frame> {
        let frame = |n: usize| {
            let at = n as f32 * speed + shake * ((n * n * 5 % 13) as f32 / 6.0 - 1.0);
            let value = |x: u32, y: u32| {
                let (x, y) = (x as f32 - at, y as f32);
                let wave = (x * 0.31).sin() + (x * 0.17 + y * 0.23).cos() + (y * 0.4).sin();
                (127.0 + 40.0 * wave) as u8
            };
            let pixels = (0..64 * 64).flat_map(|i| [value(i % 64, i / 64); 3]);
            Frame::new(64, 64, pixels.collect()).unwrap()
        };
        (0..60).map(frame).collect()
    }

    #[test]
    fn intervals_follow_the_motion_and_do_not_cross_cuts() {
        let of = |frames: &[Frame], cuts: &[u32]| Interval::Auto.of(frames, cuts);
        let (mut still, steady, shaken) = (moving(0.0, 0.0), moving(0.5, 0.0), moving(0.5, 4.0));
        assert_eq!(of(&still, &[]), 30);
        let (steady, shaken) = (of(&steady, &[]), of(&shaken, &[]));
        assert!(steady > shaken, "{steady} {shaken}");
        assert_eq!(Interval::Frames(7).of(&still, &[]), 7);
        assert_eq!(Interval::Frames(0).of(&still, &[]), 1);
        for frames in 0..3 {
            assert!(of(&still[..frames], &[1]) >= 1);
        }
        let dark = Frame::new(64, 64, vec![3; 64 * 64 * 3]).unwrap();
        still[30..].fill(dark);
        assert_eq!(of(&still, &[30]), 20);
    }
}
