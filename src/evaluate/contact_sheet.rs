//! Contact sheet: originals in the first row, one rung a row below, at evenly spaced frames.

use crate::frame::{Frame, FrameSizeError};

/// A contact sheet that is filled frame by frame.
#[derive(Debug)]
pub struct ContactSheet {
    numbers: Vec<u64>,
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

    /// Numbers of the frames on the sheet, rising.
    pub fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    /// Adds those of `frames` that are on the sheet to `row`; `first` is the number of the first.
    pub fn collect(&mut self, row: usize, first: u64, frames: &[Frame]) {
        let numbers = self.numbers.iter();
        let here = numbers.filter_map(|number| number.checked_sub(first));
        let shown = here.filter_map(|at| frames.get(at as usize));
        if let Some(row) = self.rows.get_mut(row) {
            row.extend(shown.cloned());
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
    fn rows_show_the_same_frames_however_they_are_cut_into_segments() {
        let frame = |value| Frame::new(1, 1, vec![value; 3]).unwrap();
        let frames: Vec<Frame> = (0..13).map(frame).collect();
        let mut sheet = ContactSheet::new(13, 6, 2);
        sheet.collect(0, 0, &frames);
        sheet.collect(1, 0, &frames[..5]);
        assert!(sheet.picture().is_err());
        sheet.collect(1, 5, &frames[5..]);
        let picture = sheet.picture().unwrap();
        let row: Vec<u8> = [1, 3, 5, 7, 9, 11]
            .into_iter()
            .flat_map(|v| [v; 3])
            .collect();
        assert_eq!(picture.data(), [row.clone(), row].concat());
        assert!(ContactSheet::new(13, 6, 1).picture().is_err());
    }
}
