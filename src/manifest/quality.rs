//! `quality.json`: how good every segment of every rung is, as measured when it was made.
//!
//! Metrics are named in full and never mixed: `lpips_squeeze` is LPIPS with the SqueezeNet
//! backbone and cannot be compared with figures of another network. Nothing is measured here.

use serde::{Deserialize, Serialize};

/// The whole file: one entry per rung, by ascending rank.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualityReport {
    /// Version of this layout; 1.
    pub version: u32,
    /// The rungs.
    pub rungs: Vec<RungQuality>,
}

/// The quality of one rung.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RungQuality {
    /// Id of the rung in the manifests, such as `mini-r8`.
    pub id: String,
    /// How many components its prompts have.
    pub rank: u32,
    /// True rate in kbit/s: init and media segments over the duration.
    pub kbps: f64,
    /// Means over all frames of the title.
    pub mean: Metrics,
    /// Every segment in order.
    pub segments: Vec<SegmentQuality>,
}

/// The quality of one segment of one rung.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentQuality {
    /// When it starts, in seconds from the start of the title.
    pub start_s: f64,
    /// How long it lasts, in seconds.
    pub duration_s: f64,
    /// Its size in bytes.
    pub bytes: u64,
    /// How many of its frames the means are over, evenly spread; absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured_frames: Option<u32>,
    /// Means over its frames, those that were measured.
    #[serde(flatten)]
    pub metrics: Metrics,
}

/// The metrics that could be computed; the others are absent from the JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// PSNR of RGB in dB, the mean of the frames' values; higher is better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psnr: Option<f64>,
    /// Structural similarity, at most 1; higher is better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssim: Option<f64>,
    /// SSIMULACRA 2, at most 100; higher is better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssimulacra2: Option<f64>,
    /// LPIPS with the SqueezeNet backbone, 0 or more; lower is better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lpips_squeeze: Option<f64>,
}

impl Metrics {
    /// The weighted mean of each metric; absent where a summand lacks it, or without summands.
    pub fn weighted_mean(summands: &[(f64, &Self)]) -> Self {
        let over = |metric: fn(&Self) -> Option<f64>| {
            let (mut sum, mut total) = (0.0, 0.0);
            for (weight, metrics) in summands {
                sum += weight * metric(metrics)?;
                total += weight;
            }
            (total > 0.0).then(|| sum / total)
        };
        Self {
            psnr: over(|metrics| metrics.psnr),
            ssim: over(|metrics| metrics.ssim),
            ssimulacra2: over(|metrics| metrics.ssimulacra2),
            lpips_squeeze: over(|metrics| metrics.lpips_squeeze),
        }
    }

    /// Every metric that is present, changed by `change`.
    #[must_use]
    pub fn map(self, change: impl Fn(f64) -> f64) -> Self {
        Self {
            psnr: self.psnr.map(&change),
            ssim: self.ssim.map(&change),
            ssimulacra2: self.ssimulacra2.map(&change),
            lpips_squeeze: self.lpips_squeeze.map(&change),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_that_a_summand_lacks_has_no_mean() {
        let metrics = |psnr, lpips_squeeze| Metrics {
            psnr: Some(psnr),
            lpips_squeeze,
            ..Metrics::default()
        };
        let (a, b) = (metrics(20.0, Some(0.2)), metrics(30.0, None));
        let mean = Metrics::weighted_mean(&[(3.0, &a), (1.0, &b)]);
        assert_eq!((mean.psnr, mean.lpips_squeeze), (Some(22.5), None));
        let none = Metrics::weighted_mean(&[]);
        assert_eq!(none, Metrics::default());
    }

    #[test]
    fn absent_metrics_do_not_appear() {
        let segment = SegmentQuality {
            start_s: 2.0,
            duration_s: 2.0,
            bytes: 9000,
            measured_frames: None,
            metrics: Metrics {
                psnr: Some(27.5),
                lpips_squeeze: Some(0.125),
                ..Metrics::default()
            },
        };
        let text = serde_json::to_string(&segment).unwrap();
        assert_eq!(
            text,
            r#"{"start_s":2.0,"duration_s":2.0,"bytes":9000,"psnr":27.5,"lpips_squeeze":0.125}"#
        );
        assert_eq!(
            serde_json::from_str::<SegmentQuality>(&text).unwrap(),
            segment
        );
    }
}
