//! All metrics of one frame, and their means over frames.

use super::{QualityError, Squeeze, psnr, ssim, ssimulacra2};
use crate::frame::Frame;
use crate::manifest::Metrics;
use candle_core::Device;

/// Equal pictures have no finite PSNR; in means they count as this many dB.
const BEST_PSNR: f64 = 100.0;

/// Means are rounded to a millionth, so that writing them as text loses nothing.
const PLACES: f64 = 1e6;

/// The metrics that can be computed on this machine.
#[derive(Debug)]
pub struct Scorer {
    lpips: Option<Squeeze>,
}

/// The quality of one frame. A metric is absent where the picture is too small for it or its
/// weights are not installed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// PSNR of RGB in dB, at most 100.
    pub psnr: f64,
    /// SSIM of luma, at most 1.
    pub ssim: Option<f64>,
    /// SSIMULACRA 2, at most 100.
    pub ssimulacra2: Option<f64>,
    /// LPIPS-squeeze, 0 or more; lower is better.
    pub lpips_squeeze: Option<f64>,
}

impl From<Score> for Metrics {
    fn from(score: Score) -> Self {
        Self {
            psnr: Some(score.psnr),
            ssim: score.ssim,
            ssimulacra2: score.ssimulacra2,
            lpips_squeeze: score.lpips_squeeze,
        }
    }
}

impl Scorer {
    /// Every metric; LPIPS if its weights are installed.
    pub fn installed(device: &Device) -> Result<Self, QualityError> {
        Ok(Self {
            lpips: Squeeze::installed(device)?,
        })
    }

    /// Every metric that needs no weights: all but LPIPS.
    pub fn without_weights() -> Self {
        Self { lpips: None }
    }

    /// LPIPS, if its weights are installed.
    pub fn lpips(&self) -> Option<&Squeeze> {
        self.lpips.as_ref()
    }

    /// The score of one frame. Fails when the sizes differ.
    pub fn score(&self, original: &Frame, frame: &Frame) -> Result<Score, QualityError> {
        let lpips = self.lpips.as_ref();
        let lpips = lpips.map(|lpips| if_large_enough(lpips.between(frame, original)));
        Ok(Score {
            psnr: psnr(original, frame)?.min(BEST_PSNR),
            ssim: if_large_enough(ssim(original, frame))?,
            ssimulacra2: if_large_enough(ssimulacra2(original, frame))?,
            lpips_squeeze: lpips.transpose()?.flatten(),
        })
    }

    /// The score of a missing frame: the worst value of each metric.
    pub fn missing(&self) -> Score {
        Score {
            psnr: 0.0,
            ssim: Some(0.0),
            ssimulacra2: Some(-100.0),
            lpips_squeeze: self.lpips.as_ref().map(|_| 1.0),
        }
    }
}

fn if_large_enough(result: Result<f64, QualityError>) -> Result<Option<f64>, QualityError> {
    match result {
        Err(QualityError::TooSmall { .. }) => Ok(None),
        result => result.map(Some),
    }
}

/// The mean of each metric over frames, rounded to a millionth; absent where a frame lacks the
/// metric, or without frames.
pub fn mean(scores: &[Score]) -> Metrics {
    let over = |pick: fn(&Score) -> Option<f64>| {
        let values: Option<Vec<f64>> = scores.iter().map(pick).collect();
        let values = values.filter(|values| !values.is_empty())?;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        Some((mean * PLACES).round() / PLACES)
    };
    Metrics {
        psnr: over(|score| Some(score.psnr)),
        ssim: over(|score| score.ssim),
        ssimulacra2: over(|score| score.ssimulacra2),
        lpips_squeeze: over(|score| score.lpips_squeeze),
    }
}

#[cfg(test)]
mod tests {
    use super::{Score, mean};

    #[test]
    fn a_metric_that_one_frame_lacks_has_no_mean() {
        let score = |psnr, lpips_squeeze| Score {
            psnr,
            ssim: Some(0.5),
            ssimulacra2: None,
            lpips_squeeze,
        };
        let both = mean(&[score(20.0, Some(0.2)), score(30.0, Some(0.4))]);
        assert_eq!((both.psnr, both.lpips_squeeze), (Some(25.0), Some(0.3)));
        assert_eq!((both.ssim, both.ssimulacra2), (Some(0.5), None));
        let one = mean(&[score(20.0, None), score(30.0, Some(0.4))]);
        assert_eq!((one.psnr, one.lpips_squeeze), (Some(25.0), None));
        assert_eq!(mean(&[]).psnr, None);
    }
}
