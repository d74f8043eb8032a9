//! Rendered frames against their originals, for `encode` and `eval`.
//!
//! A 256×256 frame takes about 3 ms of one core for SSIM and 42 ms for SSIMULACRA 2, the slowest.
//! The fit of a frame takes seconds, so `encode` measures everything too: four rungs cost some 4 %
//! of its time; `--no-measure` saves it.

use super::CliError;
use crate::frame::Frame;
use crate::manifest::Metrics;
use crate::quality::{QualityError, Squeeze, psnr, ssim, ssimulacra2};
use candle_core::Device;
use rayon::prelude::*;

/// Equal pictures have no finite PSNR; in means they count as this many dB.
const BEST_PSNR: f64 = 100.0;

/// The metrics that can be computed here.
pub(super) struct Scorer {
    lpips: Option<Squeeze>,
}

/// The quality of one frame. Metrics that the picture is too small for, or whose weights are not
/// installed, are absent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Score {
    /// PSNR of RGB in dB, at most [`BEST_PSNR`].
    pub(super) psnr: f64,
    /// SSIM of luma.
    pub(super) ssim: Option<f64>,
    /// SSIMULACRA 2.
    pub(super) ssimulacra2: Option<f64>,
    /// LPIPS-squeeze.
    pub(super) lpips_squeeze: Option<f64>,
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
    pub(super) fn installed(device: &Device) -> Result<Self, CliError> {
        Ok(Self {
            lpips: Squeeze::installed(device)?,
        })
    }

    /// Every metric that needs no weights.
    #[cfg(test)]
    pub(super) fn without_weights() -> Self {
        Self { lpips: None }
    }

    /// LPIPS, if its weights are installed.
    pub(super) fn lpips(&self) -> Option<&Squeeze> {
        self.lpips.as_ref()
    }

    /// The scores of `rendered` frame by frame. Fails unless there are as many as `originals`.
    pub(super) fn scores(
        &self,
        originals: &[Frame],
        rendered: &[Frame],
    ) -> Result<Vec<Score>, CliError> {
        if originals.len() != rendered.len() {
            let (want, got) = (originals.len(), rendered.len());
            let message = format!("a segment rendered to {got} frames, its original has {want}");
            return Err(CliError::check(message));
        }
        let pairs = originals.par_iter().zip(rendered);
        let scores = pairs.map(|(original, frame)| self.score(original, frame));
        Ok(scores.collect::<Result<_, QualityError>>()?)
    }

    /// The score of one frame. Fails when the sizes differ.
    pub(super) fn score(&self, original: &Frame, frame: &Frame) -> Result<Score, QualityError> {
        let lpips = self
            .lpips
            .as_ref()
            .map(|lpips| lpips.between(frame, original));
        Ok(Score {
            psnr: psnr(original, frame)?.min(BEST_PSNR),
            ssim: if_large_enough(ssim(original, frame))?,
            ssimulacra2: if_large_enough(ssimulacra2(original, frame))?,
            lpips_squeeze: lpips.map(if_large_enough).transpose()?.flatten(),
        })
    }

    /// What a frame that was never shown counts as: the worst.
    pub(super) fn missing(&self) -> Score {
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

/// Means are given to a millionth, so that they survive being written as text.
const PLACES: f64 = 1e6;

/// The mean of each metric over frames; absent where a frame lacks it, or without frames.
pub(super) fn mean(scores: &[Score]) -> Metrics {
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
    fn a_metric_that_a_frame_lacks_has_no_mean() {
        let score = |psnr, lpips_squeeze| Score {
            psnr,
            ssim: Some(0.5),
            ssimulacra2: None,
            lpips_squeeze,
        };
        let both = mean(&[score(20.0, Some(0.2)), score(30.0, Some(0.4))]);
        assert_eq!(both.psnr, Some(25.0));
        assert_eq!(both.lpips_squeeze, Some(0.3));
        assert_eq!((both.ssim, both.ssimulacra2), (Some(0.5), None));
        let one = mean(&[score(20.0, None), score(30.0, Some(0.4))]);
        assert_eq!((one.psnr, one.lpips_squeeze), (Some(25.0), None));
        assert_eq!(mean(&[]).psnr, None);
    }
}
