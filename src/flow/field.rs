//! A flow field: where every pixel of one picture is in another.

use super::plane::Place;

/// A flow field on a grid of the picture's size or half of it: pixels of this grid to the right and
/// down.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) data: Vec<[f32; 2]>,
}

impl Field {
    pub(super) fn still(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            data: vec![[0.0; 2]; width * height],
        }
    }

    /// The same motion on a grid of about twice the size.
    pub(super) fn enlarged(&self, width: usize, height: usize) -> Self {
        let mut large = Self::still(width, height);
        for (y, row) in large.data.chunks_exact_mut(width).enumerate() {
            for (x, flow) in row.iter_mut().enumerate() {
                let (u, v) = ((x as f32 - 0.5) / 2.0, (y as f32 - 0.5) / 2.0);
                *flow = self.sample(u, v).map(|part| 2.0 * part);
            }
        }
        large
    }

    /// The flows of all columns at the subpixel row `y`, clamped to the field.
    pub(super) fn line(&self, y: f32) -> Vec<[f32; 2]> {
        let y = y.clamp(0.0, (self.height - 1) as f32);
        let top = y as usize;
        let part = y - top as f32;
        let row = |at: usize| self.data[at * self.width..].iter().take(self.width);
        let pairs = row(top).zip(row((top + 1).min(self.height - 1)));
        pairs
            .map(|(a, b)| std::array::from_fn(|c| a[c] + part * (b[c] - a[c])))
            .collect()
    }

    /// The flow at a subpixel position, bilinear, clamped to the field.
    pub(super) fn sample(&self, x: f32, y: f32) -> [f32; 2] {
        let place = Place::new((self.width, self.height), x, y);
        std::array::from_fn(|part| place.mixed(place.corners.map(|corner| self.data[corner][part])))
    }
}
