//! Contact sheet: originals in the first row, one rung a row below, at evenly spaced frames.

use crate::frame::{Frame, FrameSizeError};

/// A contact sheet that is filled frame by frame.
#[derive(Debug)]
pub struct ContactSheet {
    /// Numbers of the frames on the sheet, rising.
    pub(super) numbers: Vec<u64>,
    rows: Vec<Vec<Frame>>,
}

impl ContactSheet {
    /// An empty sheet for a video of `frames` frames, with at most `columns` of them in each of `rows`
    /// rows.
    pub fn new(frames: u64, columns: u64, rows: usize) -> Self {
        let columns = columns.min(frames);
        let number = |column: u64| (2 * column + 1) * frames / (2 * columns);
        Self {
            numbers: (0..columns).map(number).collect(),
            rows: vec![Vec::new(); rows],
        }
    }

    /// Adds frame `number` to `row` if it is on the sheet; numbers of a row must rise.
    pub fn push(&mut self, row: usize, number: u64, frame: &Frame) {
        if self.numbers.contains(&number) {
            self.rows[row].push(frame.clone());
        }
    }

    /// The sheet as one picture. Fails without frames, or where a row lacks some.
    pub fn picture(&self) -> Result<Frame, FrameSizeError> {
        let first = self.rows.iter().flatten().next();
        let (width, height) = first.map_or((0, 0), |frame| (frame.width(), frame.height()));
        let mut data = Vec::new();
        for row in &self.rows {
            for y in 0..height {
                for frame in row {
                    data.extend((0..width).flat_map(|x| frame.pixel(x, y)));
                }
            }
        }
        let (columns, rows) = (self.numbers.len() as u32, self.rows.len() as u32);
        Frame::new(width * columns, height * rows, data)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::ContactSheet;
    use crate::frame::Frame;

    #[test]
    fn rows_show_the_same_evenly_spaced_frames() {
        let frame = |value| Frame::new(1, 1, vec![value; 3]).unwrap();
        let mut sheet = ContactSheet::new(13, 6, 2);
        (0..13).for_each(|n: u8| sheet.push(0, n.into(), &frame(n)));
        assert!(sheet.picture().is_err());
        (0..13).for_each(|n: u8| sheet.push(1, n.into(), &frame(n)));
        let row = [1, 3, 5, 7, 9, 11].map(|n| [n; 3]).concat();
        assert_eq!(sheet.picture().unwrap().data(), [row.clone(), row].concat());
        assert!(ContactSheet::new(13, 6, 1).picture().is_err());
    }
}
