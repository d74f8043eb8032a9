//! Structural similarity of luma (Wang, Bovik, Sheikh and Simoncelli 2004, "Image Quality
//! Assessment: From Error Visibility to Structural Similarity"): an 11×11 Gaussian window of
//! standard deviation 1.5, K₁ = 0.01, K₂ = 0.03, L = 255, the mean over all places where the whole
//! window lies inside the picture, at the picture's own scale.
//!
//! Luma is 0.299 R + 0.587 G + 0.114 B, unrounded. The figure of several frames is the mean of the
//! frames' values.

use super::QualityError;
use super::error::same_size;
use crate::frame::Frame;

const WINDOW: usize = 11;
const DEVIATION: f64 = 1.5;
const C1: f64 = (0.01 * 255.0) * (0.01 * 255.0);
const C2: f64 = (0.03 * 255.0) * (0.03 * 255.0);

/// Moments averaged under the window: both pictures, their squares and their product.
const MOMENTS: usize = 5;

/// SSIM, at most 1 and 1 for equal pictures. Errors when the sizes differ or a side is shorter
/// than the window.
pub fn ssim(a: &Frame, b: &Frame) -> Result<f64, QualityError> {
    same_size(a, b)?;
    let (width, height) = (a.width() as usize, a.height() as usize);
    if width.min(height) < WINDOW {
        return Err(QualityError::TooSmall {
            metric: "SSIM",
            least: WINDOW,
            width,
            height,
        });
    }
    let rows = filtered_rows(&luma(a), &luma(b), width);
    let columns = width + 1 - WINDOW;
    let window = window();
    let mut sum = 0.0;
    let mut moments = vec![[0.0; MOMENTS]; columns];
    for rows in rows.windows(WINDOW) {
        moments.fill([0.0; MOMENTS]);
        for (row, weight) in rows.iter().zip(window) {
            let places = moments.iter_mut().zip(row);
            places.for_each(|(total, value)| add(total, weight, value));
        }
        sum += moments.iter().map(similarity).sum::<f64>();
    }
    Ok(sum / (columns * (height + 1 - WINDOW)) as f64)
}

fn similarity([a, b, aa, bb, ab]: &[f64; MOMENTS]) -> f64 {
    let (mean_a, mean_b, mean_ab) = (a * a, b * b, a * b);
    let luminance = (2.0 * mean_ab + C1) / (mean_a + mean_b + C1);
    let structure = (2.0 * (ab - mean_ab) + C2) / (aa - mean_a + bb - mean_b + C2);
    luminance * structure
}

/// Adds `weight` times `value`.
fn add(total: &mut [f64; MOMENTS], weight: f64, value: &[f64; MOMENTS]) {
    for (total, value) in total.iter_mut().zip(value) {
        *total += weight * value;
    }
}

/// Every row of the moments, averaged under the window from left to right.
fn filtered_rows(a: &[f64], b: &[f64], width: usize) -> Vec<Vec<[f64; MOMENTS]>> {
    let window = window();
    let row = |(a, b): (&[f64], &[f64])| {
        let pairs = a.iter().zip(b);
        let moments = pairs.map(|(&a, &b)| [a, b, a * a, b * b, a * b]);
        let moments: Vec<[f64; MOMENTS]> = moments.collect();
        let averaged = moments.windows(WINDOW).map(|places| {
            let mut total = [0.0; MOMENTS];
            let places = places.iter().zip(window);
            places.for_each(|(place, weight)| add(&mut total, weight, place));
            total
        });
        averaged.collect()
    };
    let rows = a.chunks_exact(width).zip(b.chunks_exact(width));
    rows.map(row).collect()
}

fn window() -> [f64; WINDOW] {
    let mut weights: [f64; WINDOW] = std::array::from_fn(|i| {
        let away = i as f64 - (WINDOW / 2) as f64;
        libm::exp(-away * away / (2.0 * DEVIATION * DEVIATION))
    });
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}

fn luma(frame: &Frame) -> Vec<f64> {
    let pixels = frame.data().chunks_exact(3);
    let weighted =
        |p: &[u8]| 0.299 * f64::from(p[0]) + 0.587 * f64::from(p[1]) + 0.114 * f64::from(p[2]);
    pixels.map(weighted).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::ssim;
    use crate::frame::Frame;
    use crate::quality::ssimulacra2;

    /// A gradient with stripes, disturbed by `noise`/255 of reproducible noise.
    fn picture(width: u32, height: u32, noise: i32) -> Frame {
        let value = |i: u32| {
            let (x, y, c) = (i / 3 % width, i / 3 / width, i % 3);
            let clean = (x * 5 + y * 3 + c * 40 + (x / 4 % 2) * 60) % 256;
            let random = (i.wrapping_mul(2_654_435_761) >> 16) as i32 % 256 - 128;
            (clean as i32 + random * noise / 128).clamp(0, 255) as u8
        };
        Frame::new(width, height, (0..3 * width * height).map(value).collect()).unwrap()
    }

    #[test]
    fn equal_pictures_score_best_and_noise_lowers_the_score() {
        let original = picture(40, 33, 0);
        for metric in [ssim, ssimulacra2] {
            let scores = [0, 4, 16, 64, 128].map(|n| metric(&original, &picture(40, 33, n)));
            let scores = scores.map(|score| score.unwrap());
            assert!(scores.windows(2).all(|w| w[0] > w[1]), "{scores:?}");
        }
        assert_eq!(ssim(&original, &original).unwrap(), 1.0);
        assert_eq!(ssimulacra2(&original, &original).unwrap(), 100.0);
    }

    #[test]
    fn pictures_below_the_smallest_size_are_refused() {
        let error = ssim(&picture(10, 40, 0), &picture(10, 40, 0)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "SSIM needs pictures of at least 11x11 pixels, got 10x40"
        );
        let error = ssimulacra2(&picture(7, 9, 0), &picture(7, 9, 0)).unwrap_err();
        assert!(error.to_string().contains("at least 8x8"), "{error}");
        assert!(ssim(&picture(11, 11, 0), &picture(11, 11, 9)).is_ok());
        assert!(ssimulacra2(&picture(8, 8, 0), &picture(8, 8, 9)).is_ok());
        assert!(ssim(&picture(12, 12, 0), &picture(12, 13, 0)).is_err());
        assert!(ssimulacra2(&picture(12, 12, 0), &picture(12, 13, 0)).is_err());
    }

    /// scikit-image 0.26, `structural_similarity(gaussian_weights=True, sigma=1.5,
    /// use_sample_covariance=False, data_range=255)` on the same luma; its map is cut to the places
    /// where the whole window fits.
    #[test]
    fn agrees_with_scikit_image() {
        for (noise, expected) in [
            (4, 0.999_181_169_128_309),
            (16, 0.980_986_492_941_413),
            (64, 0.783_780_999_074_323),
        ] {
            let got = ssim(&picture(40, 33, 0), &picture(40, 33, noise)).unwrap();
            let far: f64 = got - expected;
            assert!(far.abs() < 1e-9, "{noise}: {got}, not {expected}");
        }
    }
}
