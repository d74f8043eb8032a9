//! Planes of one number per pixel, brightness or a gradient, and bilinear sampling.

use crate::frame::Frame;

/// Numbers on a grid, rows from the top.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) data: Vec<f32>,
}

impl Plane {
    pub(super) fn zero(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            data: vec![0.0; width * height],
        }
    }

    /// Brightness (Rec. 601), 0 to 255.
    pub(super) fn brightness(frame: &Frame) -> Self {
        let luma =
            |p: &[u8]| 0.299 * f32::from(p[0]) + 0.587 * f32::from(p[1]) + 0.114 * f32::from(p[2]);
        Self {
            width: frame.width() as usize,
            height: frame.height() as usize,
            data: frame.data().chunks_exact(3).map(luma).collect(),
        }
    }

    /// The value at a pixel; coordinates past an edge are clamped to it.
    pub(super) fn at(&self, x: isize, y: isize) -> f32 {
        let x = x.clamp(0, self.width as isize - 1) as usize;
        let y = y.clamp(0, self.height as isize - 1) as usize;
        self.data[y * self.width + x]
    }

    /// The value at a subpixel position, bilinear.
    pub(super) fn sample(&self, x: f32, y: f32) -> f32 {
        let place = Place::new((self.width, self.height), x, y);
        place.mixed(place.corners.map(|corner| self.data[corner]))
    }

    /// Half the size, each value the mean of four.
    pub(super) fn halved(&self) -> Self {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let mut half = Self::zero(width, height);
        for y in 0..height {
            for x in 0..width {
                let (left, top) = (2 * x as isize, 2 * y as isize);
                let sum = self.at(left, top)
                    + self.at(left + 1, top)
                    + self.at(left, top + 1)
                    + self.at(left + 1, top + 1);
                half.data[y * width + x] = 0.25 * sum;
            }
        }
        half
    }

    /// Central differences along x and y.
    pub(super) fn gradients(&self) -> (Self, Self) {
        let mut along_x = Self::zero(self.width, self.height);
        let mut along_y = along_x.clone();
        for y in 0..self.height {
            for x in 0..self.width {
                let (i, j) = (x as isize, y as isize);
                let here = y * self.width + x;
                along_x.data[here] = 0.5 * (self.at(i + 1, j) - self.at(i - 1, j));
                along_y.data[here] = 0.5 * (self.at(i, j + 1) - self.at(i, j - 1));
            }
        }
        (along_x, along_y)
    }
}

/// A subpixel position on a grid, for bilinear interpolation.
pub(super) struct Place {
    /// Indices of the pixels: above left, above right, below left, below right.
    pub(super) corners: [usize; 4],
    /// Fractions of the position to the right and down, 0 to 1.
    right: f32,
    down: f32,
}

impl Place {
    /// The position (`x`, `y`) on a grid of (width, height), clamped to it.
    pub(super) fn new((width, height): (usize, usize), x: f32, y: f32) -> Self {
        let x = x.clamp(0.0, (width - 1) as f32);
        let y = y.clamp(0.0, (height - 1) as f32);
        let (left, top) = (x as usize, y as usize);
        let next = (left + 1).min(width - 1);
        let (above, below) = (top * width, (top + 1).min(height - 1) * width);
        Self {
            corners: [above + left, above + next, below + left, below + next],
            right: x - left as f32,
            down: y - top as f32,
        }
    }

    /// The interpolated value, from those of the corners.
    pub(super) fn mixed(&self, corners: [f32; 4]) -> f32 {
        let above = corners[0] * (1.0 - self.right) + corners[1] * self.right;
        let below = corners[2] * (1.0 - self.right) + corners[3] * self.right;
        above * (1.0 - self.down) + below * self.down
    }
}

/// The picture and repeated halvings of it, until the shorter side is below 2·`least`.
pub(super) fn pyramid(full: Plane, least: usize) -> Vec<Plane> {
    let mut levels = vec![full];
    while let Some(last) = levels.last()
        && last.width.min(last.height) >= 2 * least
    {
        let next = last.halved();
        levels.push(next);
    }
    levels
}
