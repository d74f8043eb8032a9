//! 8-bit Y'CbCr to RGB and back, in integers (ITU-R BT.601-7 §2.5, BT.709-6 §3).
//!
//! Raw y4m states no colour matrix, so one rule serves reader, writer and the usual players:
//! BT.709 for more than 576 lines or at least 1280 columns, BT.601 below.

/// Colour matrix, by the weights of luma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matrix {
    /// Standard definition: K_R 0.299, K_B 0.114.
    Bt601,
    /// High definition: K_R 0.2126, K_B 0.0722.
    Bt709,
}

/// Range of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// Luma 16 to 235, chroma 16 to 240.
    Limited,
    /// 0 to 255.
    Full,
}

impl Matrix {
    /// The matrix that players assume for a picture of `size` that states none.
    pub fn assumed(size: (u32, u32)) -> Self {
        if size.0 >= 1280 || size.1 > 576 {
            Self::Bt709
        } else {
            Self::Bt601
        }
    }

    fn weights(self) -> (f64, f64) {
        match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
        }
    }
}

impl std::fmt::Display for Matrix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bt601 => "BT.601",
            Self::Bt709 => "BT.709",
        })
    }
}

/// Y'CbCr to RGB with coefficients in 1/65536.
#[derive(Debug, Clone)]
pub(super) struct ToRgb {
    black: i32,
    luma: i32,
    red_cr: i32,
    green_cb: i32,
    green_cr: i32,
    blue_cb: i32,
}

impl ToRgb {
    /// The conversion for one matrix and range.
    pub(super) fn new(matrix: Matrix, range: Range) -> Self {
        let (kr, kb) = matrix.weights();
        let kg = 1.0 - kr - kb;
        let (black, luma, chroma) = match range {
            Range::Limited => (16, 255.0 / 219.0, 255.0 / 224.0),
            Range::Full => (0, 1.0, 1.0),
        };
        Self {
            black,
            luma: fixed(luma),
            red_cr: fixed(chroma * 2.0 * (1.0 - kr)),
            green_cb: fixed(-chroma * 2.0 * (1.0 - kb) * kb / kg),
            green_cr: fixed(-chroma * 2.0 * (1.0 - kr) * kr / kg),
            blue_cb: fixed(chroma * 2.0 * (1.0 - kb)),
        }
    }

    /// R, G and B of one pixel.
    pub(super) fn pixel(&self, y: u8, cb: u8, cr: u8) -> [u8; 3] {
        let luma = self.luma * (i32::from(y) - self.black);
        let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
        [
            rounded(luma + self.red_cr * cr),
            rounded(luma + self.green_cb * cb + self.green_cr * cr),
            rounded(luma + self.blue_cb * cb),
        ]
    }
}

/// RGB to limited-range Y'CbCr with coefficients in 1/65536.
#[derive(Debug, Clone)]
pub struct FromRgb {
    rows: [[i32; 3]; 3],
}

impl FromRgb {
    /// The conversion for one matrix.
    pub fn new(matrix: Matrix) -> Self {
        let (kr, kb) = matrix.weights();
        let kg = 1.0 - kr - kb;
        let (luma, chroma) = (219.0 / 255.0, 224.0 / 255.0);
        let blue = chroma / (2.0 * (1.0 - kb));
        let red = chroma / (2.0 * (1.0 - kr));
        Self {
            rows: [
                [kr * luma, kg * luma, kb * luma].map(fixed),
                [-kr * blue, -kg * blue, (1.0 - kb) * blue].map(fixed),
                [(1.0 - kr) * red, -kg * red, -kb * red].map(fixed),
            ],
        }
    }

    /// Y', Cb and Cr of one pixel.
    pub fn pixel(&self, rgb: [u8; 3]) -> [u8; 3] {
        let [y, cb, cr] = self.rows.map(|row| {
            let products = row.iter().zip(rgb).map(|(&k, v)| k * i32::from(v));
            products.sum::<i32>()
        });
        [
            rounded(y + (16 << 16)),
            rounded(cb + (128 << 16)),
            rounded(cr + (128 << 16)),
        ]
    }
}

fn fixed(value: f64) -> i32 {
    (value * 65536.0).round() as i32
}

fn rounded(value: i32) -> u8 {
    ((value + 32768) >> 16).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primaries_have_the_published_codes() {
        let sd = FromRgb::new(Matrix::Bt601);
        let hd = FromRgb::new(Matrix::Bt709);
        assert_eq!(sd.pixel([255, 255, 255]), [235, 128, 128]);
        assert_eq!(sd.pixel([0, 0, 0]), [16, 128, 128]);
        assert_eq!(sd.pixel([255, 0, 0]), [81, 90, 240]);
        assert_eq!(hd.pixel([255, 0, 0]), [63, 102, 240]);
        assert_eq!(hd.pixel([0, 0, 255]), [32, 240, 118]);
    }

    #[test]
    fn there_and_back_is_within_two_levels() {
        for matrix in [Matrix::Bt601, Matrix::Bt709] {
            let (there, back) = (FromRgb::new(matrix), ToRgb::new(matrix, Range::Limited));
            for i in 0..4096u32 {
                let rgb = [i & 15, (i >> 4) & 15, i >> 8].map(|v| (v * 17) as u8);
                let [y, cb, cr] = there.pixel(rgb);
                for (a, b) in back.pixel(y, cb, cr).into_iter().zip(rgb) {
                    assert!(a.abs_diff(b) <= 2, "{matrix} {rgb:?}");
                }
            }
        }
    }

    #[test]
    fn full_range_grey_is_itself() {
        let full = ToRgb::new(Matrix::Bt709, Range::Full);
        assert_eq!(full.pixel(77, 128, 128), [77, 77, 77]);
    }
}
