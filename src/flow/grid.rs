//! Values on a grid: brightness, a gradient, a flow field; bilinear sampling.

use crate::frame::Frame;

/// Values on a grid, rows from the top.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grid<T> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) data: Vec<T>,
}

/// One number per pixel, brightness or a gradient.
pub(super) type Plane = Grid<f32>;

/// A flow field, the place of every pixel of one picture in another: pixels of the grid to the right
/// and down. The grid has the picture's size or half of it.
pub(super) type Field = Grid<[f32; 2]>;

impl<T: Copy> Grid<T> {
    pub(super) fn filled(width: usize, height: usize, value: T) -> Self {
        Self {
            width,
            height,
            data: vec![value; width * height],
        }
    }

    /// The values of `value` at each (x, y).
    pub(super) fn from_fn(
        (width, height): (usize, usize),
        mut value: impl FnMut(usize, usize) -> T,
    ) -> Self {
        let mut data = Vec::with_capacity(width * height);
        for y in 0..height {
            data.extend((0..width).map(|x| value(x, y)));
        }
        Self {
            width,
            height,
            data,
        }
    }

    /// The picture with each pixel (R, G, B) converted.
    pub(super) fn of(frame: &Frame, value: impl Fn([f32; 3]) -> T) -> Self {
        let pixel = |p: &[u8]| value([p[0], p[1], p[2]].map(f32::from));
        Self {
            width: frame.width() as usize,
            height: frame.height() as usize,
            data: frame.data().chunks_exact(3).map(pixel).collect(),
        }
    }

    pub(super) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The value at a pixel; coordinates past an edge are clamped to it.
    pub(super) fn at(&self, x: isize, y: isize) -> T {
        let x = x.clamp(0, self.width as isize - 1) as usize;
        let y = y.clamp(0, self.height as isize - 1) as usize;
        self.data[y * self.width + x]
    }

    /// The four values around a subpixel position, clamped to the grid, and the bilinear mean of four
    /// such numbers.
    fn around(&self, x: f32, y: f32) -> ([T; 4], impl Fn([f32; 4]) -> f32 + use<T>) {
        let x = x.clamp(0.0, (self.width - 1) as f32);
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let (left, top) = (x as usize, y as usize);
        let next = (left + 1).min(self.width - 1);
        let below = (top + 1).min(self.height - 1) * self.width;
        let above = top * self.width;
        let corners = [above + left, above + next, below + left, below + next];
        let (right, down) = (x - left as f32, y - top as f32);
        let mixed = move |values: [f32; 4]| {
            let above = values[0] * (1.0 - right) + values[1] * right;
            let below = values[2] * (1.0 - right) + values[3] * right;
            above * (1.0 - down) + below * down
        };
        (corners.map(|corner| self.data[corner]), mixed)
    }
}

impl Plane {
    /// Brightness (Rec. 601), 0 to 255.
    pub(super) fn brightness(frame: &Frame) -> Self {
        Self::of(frame, |[r, g, b]| 0.299 * r + 0.587 * g + 0.114 * b)
    }

    /// The value at a subpixel position, bilinear.
    pub(super) fn sample(&self, x: f32, y: f32) -> f32 {
        let (values, mixed) = self.around(x, y);
        mixed(values)
    }

    /// Half the size, each value the mean of four.
    pub(super) fn halved(&self) -> Self {
        let half = (self.width.div_ceil(2), self.height.div_ceil(2));
        Self::from_fn(half, |x, y| {
            let (left, top) = (2 * x as isize, 2 * y as isize);
            let above = self.at(left, top) + self.at(left + 1, top);
            0.25 * (above + self.at(left, top + 1) + self.at(left + 1, top + 1))
        })
    }

    /// Central differences along x and y.
    pub(super) fn gradients(&self) -> [Self; 2] {
        [(1, 0), (0, 1)].map(|(right, down)| {
            Self::from_fn(self.size(), |x, y| {
                let (i, j) = (x as isize, y as isize);
                0.5 * (self.at(i + right, j + down) - self.at(i - right, j - down))
            })
        })
    }

    /// The picture and repeated halvings of it, until the shorter side is below 2·`least`.
    pub(super) fn pyramid(self, least: usize) -> Vec<Self> {
        let mut levels = vec![self];
        while let Some(last) = levels.last()
            && last.width.min(last.height) >= 2 * least
        {
            let next = last.halved();
            levels.push(next);
        }
        levels
    }
}

impl Field {
    /// The same motion on a grid of about twice the size.
    pub(super) fn enlarged(&self, size: (usize, usize)) -> Self {
        Self::from_fn(size, |x, y| {
            let (u, v) = ((x as f32 - 0.5) / 2.0, (y as f32 - 0.5) / 2.0);
            self.sample(u, v).map(|part| 2.0 * part)
        })
    }

    /// The flows of all columns at the subpixel row `y`, clamped to the field.
    pub(super) fn line(&self, y: f32) -> Vec<[f32; 2]> {
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let top = y as usize;
        let part = y - top as f32;
        let row = |at: usize| self.data[at * self.width..].iter().take(self.width);
        let pairs = row(top).zip(row((top + 1).min(self.height - 1)));
        let mixed = |(a, b): (&[f32; 2], &[f32; 2])| [0, 1].map(|c| a[c] + part * (b[c] - a[c]));
        pairs.map(mixed).collect()
    }

    /// The flow at a subpixel position, bilinear, clamped to the field.
    pub(super) fn sample(&self, x: f32, y: f32) -> [f32; 2] {
        let (flows, mixed) = self.around(x, y);
        [0, 1].map(|part| mixed(flows.map(|flow| flow[part])))
    }
}
