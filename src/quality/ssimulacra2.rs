//! SSIMULACRA 2 (Sneyers, Cloudinary), version 2.1, by the crate of that name: a multi-scale
//! structural metric in XYB, tuned on human ratings of compressed pictures. 100 for equal
//! pictures, about 90 where no difference is seen, 70 for high, 50 for medium and 30 for low
//! quality; far worse pictures have negative values without a bound.
//!
//! Pixels are read as sRGB. No loss of this crate contains it, so it is an independent check. The
//! figure of several frames is the mean of the frames' values.

use super::QualityError;
use super::error::same_size;
use crate::frame::Frame;
use ssimulacra2::{LinearRgb, compute_frame_ssimulacra2};
use std::sync::LazyLock;

/// The smallest side that the metric is defined for.
const SMALLEST: usize = 8;

/// SSIMULACRA 2 of `shown` as a rendition of `original`. Errors when the sizes differ or a side is
/// shorter than 8 pixels.
pub fn ssimulacra2(original: &Frame, shown: &Frame) -> Result<f64, QualityError> {
    same_size(original, shown)?;
    let (width, height) = (original.width() as usize, original.height() as usize);
    let refused = || QualityError::TooSmall {
        metric: "SSIMULACRA2",
        least: SMALLEST,
        width,
        height,
    };
    let pictures = linear(original).zip(linear(shown)).ok_or_else(refused)?;
    // The crate's only other error, different sizes, is excluded above.
    compute_frame_ssimulacra2(pictures.0, pictures.1).map_err(|_| refused())
}

/// The picture in linear light.
fn linear(frame: &Frame) -> Option<LinearRgb> {
    let pixels = frame.data().chunks_exact(3);
    let pixels = pixels.map(|p| [p[0], p[1], p[2]].map(|value| LIGHT[usize::from(value)]));
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    LinearRgb::new(pixels.collect(), width, height).ok()
}

/// Linear light of each code (IEC 61966-2-1, sRGB).
static LIGHT: LazyLock<[f32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|code| {
        let value = code as f64 / 255.0;
        let light = if value <= 0.04045 {
            value / 12.92
        } else {
            libm::pow((value + 0.055) / 1.055, 2.4)
        };
        light as f32
    })
});
