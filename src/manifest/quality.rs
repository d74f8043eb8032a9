//! `quality.json`: how good every segment of every rung is, as measured when it was made.
//!
//! Metrics are named in full and never mixed: `lpips_squeeze` is LPIPS with the SqueezeNet
//! backbone and cannot be compared with figures of another network. Knows no way to measure
//! anything.

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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

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
