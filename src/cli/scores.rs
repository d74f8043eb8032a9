//! Rendered frames against their originals, for `encode` and `eval`.

use super::CliError;
use crate::frame::Frame;
use crate::manifest::Metrics;
use crate::quality::{QualityError, Squeeze, psnr};
use candle_core::Device;
use rayon::prelude::*;

/// Equal pictures have no finite PSNR; in means they count as this many dB.
const BEST_PSNR: f64 = 100.0;

/// The metrics that can be computed here.
pub(super) struct Scorer {
    lpips: Option<Squeeze>,
}

/// The quality of one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Score {
    /// PSNR of RGB in dB, at most [`BEST_PSNR`].
    pub(super) psnr: f64,
    /// LPIPS-squeeze, where its weights are installed.
    pub(super) lpips_squeeze: Option<f64>,
}

impl Scorer {
    /// PSNR, and LPIPS if its weights are installed.
    pub(super) fn installed(device: &Device) -> Result<Self, CliError> {
        Ok(Self {
            lpips: Squeeze::installed(device)?,
        })
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

    fn score(&self, original: &Frame, frame: &Frame) -> Result<Score, QualityError> {
        let lpips = self
            .lpips
            .as_ref()
            .map(|lpips| lpips.between(frame, original));
        let lpips_squeeze = match lpips.transpose() {
            Err(QualityError::TooSmall { .. }) => None,
            result => result?,
        };
        Ok(Score {
            psnr: psnr(original, frame)?.min(BEST_PSNR),
            lpips_squeeze,
        })
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
        lpips_squeeze: over(|score| score.lpips_squeeze),
        ..Metrics::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Score, mean};

    #[test]
    fn a_metric_that_a_frame_lacks_has_no_mean() {
        let score = |psnr, lpips_squeeze| Score {
            psnr,
            lpips_squeeze,
        };
        let both = mean(&[score(20.0, Some(0.2)), score(30.0, Some(0.4))]);
        assert_eq!(both.psnr, Some(25.0));
        assert_eq!(both.lpips_squeeze, Some(0.3));
        let one = mean(&[score(20.0, None), score(30.0, Some(0.4))]);
        assert_eq!((one.psnr, one.lpips_squeeze), (Some(25.0), None));
        assert_eq!(mean(&[]).psnr, None);
    }
}
