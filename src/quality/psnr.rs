//! Peak signal-to-noise ratio of 8-bit RGB pictures: 10·log₁₀(255² / mean squared error), the mean
//! over all three colours together. The figure of several frames is the mean of the frames' dB.

use super::QualityError;
use super::error::same_size;
use crate::frame::Frame;

/// PSNR in dB; infinite for equal pictures. Errors when the sizes differ.
pub fn psnr(a: &Frame, b: &Frame) -> Result<f64, QualityError> {
    same_size(a, b)?;
    let squares = a.data().iter().zip(b.data()).map(|(&a, &b)| {
        let difference = u64::from(a.abs_diff(b));
        difference * difference
    });
    let error = squares.sum::<u64>() as f64 / a.data().len() as f64;
    Ok(10.0 * (255.0 * 255.0 / error).log10())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let grey = |value| Frame::new(2, 2, vec![value; 12]).unwrap();
        assert_eq!(psnr(&grey(9), &grey(9)).unwrap(), f64::INFINITY);
        assert_eq!(psnr(&grey(0), &grey(255)).unwrap(), 0.0);
        assert!((psnr(&grey(100), &grey(101)).unwrap() - 48.1308).abs() < 1e-4);
    }

    #[test]
    fn other_sizes_are_refused() {
        let frame = |width| Frame::new(width, 1, vec![0; 3 * width as usize]).unwrap();
        let error = psnr(&frame(2), &frame(3)).unwrap_err().to_string();
        assert_eq!(error, "cannot compare a 2x1 picture with one of 3x1");
    }
}
