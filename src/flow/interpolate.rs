//! Frame interpolation: both pictures warped to a time between them and blended.

use super::estimate::{Pyramid, estimate};
use super::grid::{Field, Grid};
use crate::frame::Frame;

/// Fixed-point iterations that invert the flow: it is known at its origin, not where it passes.
const BACKTRACKS: usize = 3;

/// Two pictures of different sizes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot interpolate between pictures of {from:?} and {to:?} pixels")]
pub struct SizesDiffer {
    from: (u32, u32),
    to: (u32, u32),
}

/// Two pictures and the flow between them in both directions.
#[derive(Debug)]
pub struct Between {
    from: Frame,
    to: Frame,
    /// Both pictures in floating point.
    pixels: [Pixels; 2],
    forward: Field,
    backward: Field,
}

impl Between {
    /// Estimates the flow. Fails if the pictures differ in size.
    pub fn new(from: &Frame, to: &Frame) -> Result<Self, SizesDiffer> {
        let size = |frame: &Frame| (frame.width(), frame.height());
        if size(from) != size(to) {
            let (from, to) = (size(from), size(to));
            return Err(SizesDiffer { from, to });
        }
        let (first, second) = (Pyramid::new(from), Pyramid::new(to));
        let (forward, backward) =
            rayon::join(|| estimate(&first, &second), || estimate(&second, &first));
        Ok(Self {
            from: from.clone(),
            to: to.clone(),
            pixels: [from, to].map(pixels),
            forward,
            backward,
        })
    }

    /// The picture at time `t`, from 0 (the first picture) to 1 (the second), clamped; NaN counts as 0.
    pub fn at(&self, t: f32) -> Frame {
        let t = if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) };
        if t == 0.0 || t == 1.0 {
            let end = if t == 0.0 { &self.from } else { &self.to };
            return end.clone();
        }
        let first = Source::new(&self.pixels[0], &self.forward, t);
        let second = Source::new(&self.pixels[1], &self.backward, 1.0 - t);
        let (width, height) = (self.from.width(), self.from.height());
        let mut data = Vec::with_capacity(self.from.data().len());
        let mut places = [Vec::new(), Vec::new()];
        for y in 0..height as usize {
            first.places(y, &mut places[0]);
            second.places(y, &mut places[1]);
            for (a, b) in places[0].iter().zip(&places[1]) {
                let (a, b) = (first.pixels.cubic(*a), second.pixels.cubic(*b));
                data.extend((0..3).map(|c| {
                    let mixed = (1.0 - t) * a[c] + t * b[c];
                    (mixed + 0.5).clamp(0.0, 255.0) as u8
                }));
            }
        }
        // The buffer was filled pixel by pixel, so its size is the picture's.
        Frame::new(width, height, data).unwrap_or_else(|_| self.from.clone())
    }
}

/// A picture and the backward flow from the interpolated picture into it.
struct Source<'a> {
    pixels: &'a Pixels,
    back: Field,
    /// Pixels of the picture in one of the field's.
    scale: f32,
}

impl<'a> Source<'a> {
    /// `flow` starts at this picture; the interpolated one is at the fraction `t` of it.
    fn new(pixels: &'a Pixels, flow: &Field, t: f32) -> Self {
        let back = Field::from_fn(flow.size(), |x, y| {
            (0..BACKTRACKS).fold([0.0; 2], |step, _| {
                let passing = flow.sample(x as f32 + step[0], y as f32 + step[1]);
                passing.map(|part| -t * part)
            })
        });
        let full = flow.width == pixels.width;
        let scale = if full { 1.0 } else { 2.0 };
        Self {
            pixels,
            back,
            scale,
        }
    }

    /// Source positions of row `y` of the interpolated picture.
    fn places(&self, y: usize, places: &mut Vec<[f32; 2]>) {
        let along = |at: usize| (at as f32 + 0.5) / self.scale - 0.5;
        let line = self.back.line(along(y));
        let last = line.len() - 1;
        places.clear();
        places.extend((0..self.pixels.width).map(|x| {
            let at = along(x).clamp(0.0, last as f32);
            let left = at as usize;
            let (here, next) = (line[left], line[(left + 1).min(last)]);
            let part = at - left as f32;
            let flow = |c: usize| self.scale * (here[c] + part * (next[c] - here[c]));
            [x as f32 + flow(0), y as f32 + flow(1)]
        }));
    }
}

/// Red, green, blue and padding, for vectors of four lanes.
type Colour = [f32; 4];

/// A picture in floating point.
type Pixels = Grid<Colour>;

fn pixels(frame: &Frame) -> Pixels {
    Pixels::of(frame, |[r, g, b]| [r, g, b, 0.0])
}

impl Pixels {
    /// The colour at a subpixel position by cubic convolution (Keys 1981), which keeps fine detail.
    fn cubic(&self, [x, y]: [f32; 2]) -> Colour {
        let (left, across) = phase(x, self.width);
        let (top, down) = phase(y, self.height);
        let columns = neighbours(left, self.width);
        let rows = neighbours(top, self.height);
        let mut sum = [0.0; 4];
        for (row, weight) in rows.into_iter().zip(down) {
            let line = &self.data[row * self.width..(row + 1) * self.width];
            // Out of bounds next to an edge, on whichever side.
            let four = match line.get(left.wrapping_sub(1)..left.wrapping_add(3)) {
                Some(&[a, b, c, d]) => [a, b, c, d],
                _ => columns.map(|column| line[column]),
            };
            for lane in 0..4 {
                let first = across[0] * four[0][lane] + across[1] * four[1][lane];
                let part = first + across[2] * four[2][lane] + across[3] * four[3][lane];
                sum[lane] += weight * part;
            }
        }
        sum
    }
}

/// The pixel before a position, clamped to `0..length`, and the weights around it.
fn phase(place: f32, length: usize) -> (usize, [f32; 4]) {
    let place = place.clamp(0.0, (length - 1) as f32);
    let steps = (place * PHASES as f32 + 0.5) as usize;
    (steps / PHASES, WEIGHTS[steps % PHASES])
}

/// The four indices around the gap after `at`, clamped to `0..length`.
fn neighbours(at: usize, length: usize) -> [usize; 4] {
    std::array::from_fn(|i| (at + i).saturating_sub(1).min(length - 1))
}

/// Subpixel positions between two pixels.
const PHASES: usize = 64;

/// Keys's weights, with a = −3/4, of the four pixels around each subpixel position.
const WEIGHTS: [[f32; 4]; PHASES] = {
    let mut all = [[0.0; 4]; PHASES];
    let mut phase = 0;
    while phase < PHASES {
        let t = phase as f32 / PHASES as f32;
        all[phase] = [far(1.0 + t), near(t), near(1.0 - t), far(2.0 - t)];
        phase += 1;
    }
    all
};

const KEYS: f32 = -0.75;

/// Weight at a distance up to 1.
const fn near(d: f32) -> f32 {
    ((KEYS + 2.0) * d - (KEYS + 3.0)) * d * d + 1.0
}

/// Weight at a distance from 1 to 2.
const fn far(d: f32) -> f32 {
    ((KEYS * d - 5.0 * KEYS) * d + 8.0 * KEYS) * d - 4.0 * KEYS
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Between;
    use crate::frame::Frame;
    use proptest::prelude::*;

    /// A smooth texture seen from a camera at (`x`, `y`).
    fn view(size: (u32, u32), at: (f32, f32)) -> Frame {
        let value = |i: u32| {
            let (x, y) = ((i % size.0) as f32 + at.0, (i / size.0) as f32 + at.1);
            let wave = (0.23 * x).sin() + (0.11 * x - 0.19 * y).cos() + (0.31 * y).sin();
            (127.5 + 40.0 * wave) as u8
        };
        let pixels = (0..size.0 * size.1).flat_map(|i| [value(i), 255 - value(i), value(i) / 2]);
        Frame::new(size.0, size.1, pixels.collect()).unwrap()
    }

    fn squared_error(a: &Frame, b: &Frame) -> f64 {
        let pairs = a.data().iter().zip(b.data());
        let squares = pairs.map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
        squares.sum::<f64>() / a.data().len() as f64
    }

    #[test]
    fn a_moving_texture_is_interpolated_along_its_path() {
        for (size, step) in [
            ((96, 80), (7.0, -4.0)),
            ((48, 40), (2.5, 1.5)),
            ((200, 66), (-12.0, 3.0)),
        ] {
            let (first, second) = (view(size, (0.0, 0.0)), view(size, step));
            let motion = Between::new(&first, &second).unwrap();
            for t in [0.25, 0.5] {
                let truth = view(size, (t * step.0, t * step.1));
                let moved = squared_error(&motion.at(t), &truth);
                let still = squared_error(&first, &truth);
                assert!(moved < 0.06 * still, "{size:?} at {t}: {moved} of {still}");
            }
        }
    }

    #[test]
    fn times_0_and_1_give_the_pictures_themselves() {
        let (first, second) = (view((40, 24), (0.0, 0.0)), view((40, 24), (3.0, 1.0)));
        let motion = Between::new(&first, &second).unwrap();
        for t in [0.0, -3.0, f32::NAN] {
            assert_eq!(motion.at(t), first);
        }
        assert_eq!([1.0, 7.0].map(|t| motion.at(t)), [second.clone(), second]);
    }

    #[test]
    fn different_sizes_are_refused() {
        let (first, second) = (view((40, 24), (0.0, 0.0)), view((24, 40), (0.0, 0.0)));
        let error = Between::new(&first, &second).unwrap_err().to_string();
        let expected = "cannot interpolate between pictures of (40, 24) and (24, 40) pixels";
        assert_eq!(error, expected);
    }

    #[test]
    fn a_flat_picture_stays_flat() {
        let grey = Frame::new(70, 70, vec![90; 70 * 70 * 3]).unwrap();
        assert_eq!(Between::new(&grey, &grey).unwrap().at(0.4), grey);
    }

    proptest! {
        #[test]
        fn noise_of_any_size_is_interpolated(
            width in 1u32..40, height in 1u32..40, seed in any::<u64>(), t in 0.0f32..1.0,
        ) {
            let noise = |salt: u64| {
                let mut state = seed ^ salt;
                let bytes = std::iter::repeat_with(move || {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 56) as u8
                });
                let count = (width * height * 3) as usize;
                Frame::new(width, height, bytes.take(count).collect()).unwrap()
            };
            let (first, second) = (noise(1), noise(2));
            let frame = Between::new(&first, &second).unwrap().at(t);
            prop_assert_eq!((frame.width(), frame.height()), (width, height));
        }
    }
}
