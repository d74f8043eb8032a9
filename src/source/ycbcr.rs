//! 8-bit Y'CbCr to RGB and back, in integers (ITU-R BT.601-7 §2.5, BT.709-6 §3).
//!
//! Raw y4m states no colour matrix; as in the usual players, BT.709 is assumed for more than 576 lines
//! or at least 1280 columns, BT.601 below.

/// Colour matrix, by the weights of luma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matrix {
    /// Standard definition: K_R 0.299, K_B 0.114.
    Bt601,
    /// High definition: K_R 0.2126, K_B 0.0722.
    Bt709,
}

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

    /// K_R, K_G and K_B.
    fn weights(self) -> [f64; 3] {
        let (kr, kb) = match self {
            Self::Bt601 => (0.299, 0.114),
            Self::Bt709 => (0.2126, 0.0722),
        };
        [kr, 1.0 - kr - kb, kb]
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

/// A conversion by a matrix in 1/65536, with offsets before and after it.
#[derive(Debug, Clone)]
struct Linear {
    before: [i32; 3],
    rows: [[i32; 3]; 3],
    after: [i32; 3],
}

impl Linear {
    fn pixel(&self, values: [u8; 3]) -> [u8; 3] {
        let values: [i32; 3] = std::array::from_fn(|i| i32::from(values[i]) - self.before[i]);
        std::array::from_fn(|i| {
            let products = self.rows[i].iter().zip(values).map(|(&k, v)| k * v);
            let value = products.sum::<i32>() + (self.after[i] << 16);
            ((value + 32768) >> 16).clamp(0, 255) as u8
        })
    }
}

#[derive(Debug, Clone)]
pub(super) struct ToRgb(Linear);

impl ToRgb {
    pub(super) fn new(matrix: Matrix, range: Range) -> Self {
        let [kr, kg, kb] = matrix.weights();
        let (black, luma, chroma) = match range {
            Range::Limited => (16, 255.0 / 219.0, 255.0 / 224.0),
            Range::Full => (0, 1.0, 1.0),
        };
        let (red, blue) = (chroma * 2.0 * (1.0 - kr), chroma * 2.0 * (1.0 - kb));
        let rows = [
            [luma, 0.0, red],
            [luma, -blue * kb / kg, -red * kr / kg],
            [luma, blue, 0.0],
        ];
        Self(Linear {
            before: [black, 128, 128],
            rows: rows.map(|row| row.map(fixed)),
            after: [0; 3],
        })
    }

    pub(super) fn pixel(&self, y: u8, cb: u8, cr: u8) -> [u8; 3] {
        self.0.pixel([y, cb, cr])
    }
}

/// RGB to limited-range Y'CbCr.
#[derive(Debug, Clone)]
pub struct FromRgb(Linear);

impl FromRgb {
    /// The conversion for one matrix.
    pub fn new(matrix: Matrix) -> Self {
        let [kr, kg, kb] = matrix.weights();
        let (luma, chroma) = (219.0 / 255.0, 224.0 / 255.0);
        let blue = chroma / (2.0 * (1.0 - kb));
        let red = chroma / (2.0 * (1.0 - kr));
        let rows = [
            [kr * luma, kg * luma, kb * luma],
            [-kr * blue, -kg * blue, (1.0 - kb) * blue],
            [(1.0 - kr) * red, -kg * red, -kb * red],
        ];
        Self(Linear {
            before: [0; 3],
            rows: rows.map(|row| row.map(fixed)),
            after: [16, 128, 128],
        })
    }

    /// Y', Cb and Cr of one pixel.
    pub fn pixel(&self, rgb: [u8; 3]) -> [u8; 3] {
        self.0.pixel(rgb)
    }
}

fn fixed(value: f64) -> i32 {
    (value * 65536.0).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primaries_have_the_published_codes() {
        for (matrix, rgb, codes) in [
            (Matrix::Bt601, [255, 255, 255], [235, 128, 128]),
            (Matrix::Bt601, [0, 0, 0], [16, 128, 128]),
            (Matrix::Bt601, [255, 0, 0], [81, 90, 240]),
            (Matrix::Bt709, [255, 0, 0], [63, 102, 240]),
            (Matrix::Bt709, [0, 0, 255], [32, 240, 118]),
        ] {
            assert_eq!(FromRgb::new(matrix).pixel(rgb), codes);
        }
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
