//! Picture resampling in integers, so that the same picture gives the same bytes everywhere.
//!
//! A separable triangle filter, as wide as one output pixel when shrinking (area averaging without
//! aliases) and one input pixel when enlarging (bilinear). Positions are in 1/65536 pixel, so slow
//! pans move smoothly. Works on the stored 8-bit values; knows no gamma.

use crate::frame::{Frame, FrameSizeError};
use rayon::prelude::*;

/// One pixel in the fixed-point unit of [`Region`].
pub(super) const PIXEL: i64 = 1 << 16;

/// A rectangle of a picture, each number in units of 1/65536 pixel, from the top left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) left: i64,
    pub(super) top: i64,
    pub(super) width: i64,
    pub(super) height: i64,
}

impl Region {
    pub(super) fn whole(size: (u32, u32)) -> Self {
        Self {
            left: 0,
            top: 0,
            width: i64::from(size.0) * PIXEL,
            height: i64::from(size.1) * PIXEL,
        }
    }
}

/// `region` of `picture` as a picture of `size`; places outside repeat the edge.
pub(super) fn resample(
    picture: &Frame,
    region: Region,
    size: (u32, u32),
) -> Result<Frame, FrameSizeError> {
    let columns = taps(region.left, region.width, size.0, picture.width());
    let rows = taps(region.top, region.height, size.1, picture.height());
    let used = rows.iter().flat_map(|tap| tap.iter().map(|&(row, _)| row));
    let (first, last) = used.fold((usize::MAX, 0), |(a, b), row| (a.min(row), b.max(row)));
    let stride = picture.width() as usize * 3;
    let width = size.0 as usize * 3;
    let mut middle = vec![0; width * (last + 1).saturating_sub(first)];
    let used = picture.data().par_chunks_exact(stride).skip(first);
    let narrowed = middle.par_chunks_exact_mut(width.max(1)).zip(used);
    narrowed.for_each(|(out, row)| narrow(row, &columns, out));
    let mut out = vec![0; width * size.1 as usize];
    let widened = out.par_chunks_exact_mut(width.max(1)).zip(&rows);
    widened.for_each(|(row, taps)| {
        for (x, value) in row.iter_mut().enumerate() {
            let level = |at: usize| u32::from(middle[(at - first) * width + x]);
            let total: u32 = taps.iter().map(|&(at, weight)| weight * level(at)).sum();
            *value = ((total + (1 << 19)) >> 20) as u8;
        }
    });
    Frame::new(size.0, size.1, out)
}

/// Source indices and weights that make one output value; the weights sum to 1 << 14.
type Taps = Vec<(usize, u32)>;

fn taps(start: i64, extent: i64, count: u32, limit: u32) -> Vec<Taps> {
    let reach = (extent / i64::from(count.max(1))).max(PIXEL);
    let centre = |i: u32| start + extent * (2 * i64::from(i) + 1) / (2 * i64::from(count));
    let places = (0..count).map(centre);
    places.map(|at| triangle(at, reach, limit)).collect()
}

fn triangle(centre: i64, reach: i64, limit: u32) -> Taps {
    let first = (centre - reach - PIXEL / 2).div_euclid(PIXEL) + 1;
    let last = (centre + reach - PIXEL / 2).div_euclid(PIXEL);
    let weight = |j: i64| (reach - (j * PIXEL + PIXEL / 2 - centre).abs()).max(0);
    let total: i64 = (first..=last).map(weight).sum::<i64>().max(1);
    let mut taps = Taps::new();
    let mut left = 1u32 << 14;
    for j in first..=last {
        let share = ((weight(j) << 14) / total) as u32;
        let index = j.clamp(0, i64::from(limit) - 1) as usize;
        left -= share;
        taps.push((index, share));
    }
    if let Some(heaviest) = taps.iter_mut().max_by_key(|tap| tap.1) {
        heaviest.1 += left;
    }
    taps.retain(|tap| tap.1 > 0);
    taps
}

/// One row brought to its output columns, in 1/64 of a level.
fn narrow(row: &[u8], columns: &[Taps], out: &mut [u16]) {
    for (pixel, taps) in out.chunks_exact_mut(3).zip(columns) {
        let mut sums = [1u32 << 7; 3];
        for &(at, weight) in taps {
            for (sum, &value) in sums.iter_mut().zip(&row[at * 3..at * 3 + 3]) {
                *sum += weight * u32::from(value);
            }
        }
        pixel.copy_from_slice(&sums.map(|sum| (sum >> 8) as u16));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ramp(width: u32, height: u32) -> Frame {
        let value = |i: u32| (i * 7 % 251) as u8;
        Frame::new(width, height, (0..width * height * 3).map(value).collect()).unwrap()
    }

    #[test]
    fn the_whole_picture_at_its_own_size_is_itself() {
        let (picture, size) = (ramp(37, 21), (37, 21));
        assert_eq!(
            resample(&picture, Region::whole(size), size).unwrap(),
            picture
        );
    }

    #[test]
    fn flat_pictures_stay_flat_at_every_scale() {
        let flat = Frame::new(19, 23, vec![201; 19 * 23 * 3]).unwrap();
        for size in [(1, 1), (7, 5), (19, 23), (64, 50)] {
            let out = resample(&flat, Region::whole((19, 23)), size).unwrap();
            assert!(out.data().iter().all(|&v| v == 201), "{size:?}");
        }
    }

    #[test]
    fn half_a_pixel_to_the_right_is_the_mean_of_neighbours() {
        let picture = Frame::new(3, 1, vec![0, 0, 0, 100, 100, 100, 200, 200, 200]).unwrap();
        let mut region = Region::whole((3, 1));
        region.left = PIXEL / 2;
        let moved = resample(&picture, region, (3, 1)).unwrap();
        assert_eq!(moved.data(), [50, 50, 50, 150, 150, 150, 200, 200, 200]);
    }

    #[test]
    fn shrinking_keeps_the_mean() {
        let picture = ramp(64, 64);
        let mean =
            |f: &Frame| f.data().iter().map(|&v| f64::from(v)).sum::<f64>() / f.data().len() as f64;
        let small = resample(&picture, Region::whole((64, 64)), (9, 9)).unwrap();
        assert!((mean(&picture) - mean(&small)).abs() < 2.0);
    }
}
