//! One picture: 8-bit RGB, interleaved, row-major. Knows no file format and no colour science.

/// A picture of `width × height` pixels, three bytes (R, G, B) each, rows from the top.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

/// A buffer whose length does not match the picture size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {width}x{height} RGB picture needs {expected} bytes, got {got}")]
pub struct FrameSizeError {
    width: u32,
    height: u32,
    expected: usize,
    got: usize,
}

impl Frame {
    /// Wraps `data`, which must hold exactly `width · height · 3` bytes and at least one pixel.
    pub fn new(width: u32, height: u32, data: Vec<u8>) -> Result<Self, FrameSizeError> {
        let plane = (width as usize).saturating_mul(height as usize);
        let (expected, got) = (plane.saturating_mul(3), data.len());
        if expected == 0 || got != expected {
            return Err(FrameSizeError {
                width,
                height,
                expected,
                got,
            });
        }
        Ok(Self {
            width,
            height,
            data,
        })
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The bytes R, G, B, R, G, B, … from the top left.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The bytes, taken out of the frame.
    pub fn into_data(self) -> Vec<u8> {
        self.data
    }

    /// The pixel at column `x`, row `y`; coordinates past an edge are clamped to it.
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let x = x.min(self.width - 1) as usize;
        let y = y.min(self.height - 1) as usize;
        let at = (y * self.width as usize + x) * 3;
        [self.data[at], self.data[at + 1], self.data[at + 2]]
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({}x{})", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_length_names_both_sizes() {
        let error = Frame::new(2, 2, vec![0; 11]).map_err(|e| e.to_string());
        let expected = "a 2x2 RGB picture needs 12 bytes, got 11";
        assert_eq!(error, Err(expected.to_owned()));
        assert!(Frame::new(0, 5, Vec::new()).is_err());
    }

    #[test]
    fn pixels_past_the_edge_repeat_it() -> Result<(), FrameSizeError> {
        let frame = Frame::new(2, 1, vec![1, 2, 3, 4, 5, 6])?;
        assert_eq!(frame.pixel(9, 9), [4, 5, 6]);
        Ok(())
    }
}
