//! Evenly spaced frames side by side, a row for the original and others below it: for eyes.

use super::CliError;
use crate::frame::Frame;
use crate::sink::write_png;
use std::path::Path;

/// A picture in the making.
pub(super) struct Strip {
    numbers: Vec<u64>,
    rows: Vec<Vec<Frame>>,
}

impl Strip {
    /// For a video of `frames` frames: `columns` of them in so many rows.
    pub(super) fn new(frames: u64, columns: u64, rows: usize) -> Self {
        let columns = columns.min(frames);
        let number = |column: u64| (2 * column + 1) * frames / (2 * columns);
        Self {
            numbers: (0..columns).map(number).collect(),
            rows: vec![Vec::new(); rows],
        }
    }

    /// Numbers of the frames that are shown, rising.
    pub(super) fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    /// Keeps what it shows of `frames`, which begin with frame `first`.
    pub(super) fn collect(&mut self, row: usize, first: u64, frames: &[Frame]) {
        let here = self
            .numbers
            .iter()
            .filter_map(|number| number.checked_sub(first));
        let shown = here.filter_map(|at| frames.get(at as usize));
        if let Some(row) = self.rows.get_mut(row) {
            row.extend(shown.cloned());
        }
    }

    /// Writes the picture as a PNG.
    pub(super) fn write(&self, path: &Path) -> Result<(), CliError> {
        let Some(first) = self.rows.iter().flatten().next() else {
            return Err(CliError::input("there are no frames to show"));
        };
        let (width, height) = (first.width(), first.height());
        let mut data = Vec::new();
        for row in &self.rows {
            for y in 0..height {
                for frame in row {
                    data.extend((0..width).flat_map(|x| frame.pixel(x, y)));
                }
            }
        }
        let size = (
            width * self.numbers.len() as u32,
            height * self.rows.len() as u32,
        );
        let picture = Frame::new(size.0, size.1, data)?;
        Ok(write_png(path, &picture)?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Strip;
    use crate::frame::Frame;

    #[test]
    fn each_row_shows_the_same_frames_whatever_the_segments() {
        let frames: Vec<Frame> = (0..13)
            .map(|i| Frame::new(1, 1, vec![i; 3]).unwrap())
            .collect();
        let mut strip = Strip::new(13, 6, 2);
        strip.collect(0, 0, &frames);
        strip.collect(1, 0, &frames[..5]);
        strip.collect(1, 5, &frames[5..]);
        assert_eq!(strip.rows[0], strip.rows[1]);
        let shown: Vec<u8> = strip.rows[0].iter().map(|frame| frame.data()[0]).collect();
        assert_eq!(shown, [1, 3, 5, 7, 9, 11]);
    }
}
