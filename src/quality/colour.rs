//! Tint: the signed mean error of each colour, in 1/255. Noise cancels to zero in it, a red cast does
//! not.

use super::QualityError;
use super::error::same_size;
use crate::frame::Frame;

/// Mean of shown − original over the picture, for R, G and B, in 1/255. Errors when the sizes
/// differ.
pub fn mean_error(original: &Frame, shown: &Frame) -> Result<[f64; 3], QualityError> {
    same_size(original, shown)?;
    let mut sums = [0_i64; 3];
    let pixels = original.data().chunks_exact(3);
    for (original, shown) in pixels.zip(shown.data().chunks_exact(3)) {
        for ((sum, &a), &b) in sums.iter_mut().zip(original).zip(shown) {
            *sum += i64::from(b) - i64::from(a);
        }
    }
    let count = (shown.data().len() / 3) as f64;
    Ok(sums.map(|sum| sum as f64 / count))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::mean_error;
    use crate::frame::Frame;

    #[test]
    fn noise_cancels_and_a_tint_does_not() {
        let original = Frame::new(2, 1, vec![10, 20, 30, 10, 20, 30]).unwrap();
        let shown = Frame::new(2, 1, vec![12, 25, 20, 12, 15, 30]).unwrap();
        assert_eq!(mean_error(&original, &shown).unwrap(), [2.0, 0.0, -5.0]);
        let small = Frame::new(1, 1, vec![0; 3]).unwrap();
        assert!(mean_error(&original, &small).is_err());
    }
}
