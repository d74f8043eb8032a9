//! The figures of a clip, ours or a codec's, and the one table of their names, units and use in
//! reports.

use crate::manifest::Metrics;
use crate::quality::hull::{Better, Hull};
use serde::{Deserialize, Serialize};

/// Figures of a clip, over all of its frames. Field names are those of the JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Figures {
    /// Means over the frames.
    #[serde(flatten)]
    pub mean: Metrics,
    /// VMAF v0.6.1, pooled as its mean, where an ffmpeg computes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vmaf: Option<f64>,
    /// PSNR of the worst frame in dB.
    pub psnr_worst: f64,
    /// Number of that frame, from 0.
    pub psnr_worst_frame: usize,
    /// SSIMULACRA 2 of the worst frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssimulacra2_worst: Option<f64>,
    /// LPIPS of the worst frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lpips_squeeze_worst: Option<f64>,
    /// Number of that frame, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lpips_squeeze_worst_frame: Option<usize>,
    /// 95th percentile of the frames' LPIPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lpips_squeeze_p95: Option<f64>,
    /// Shares of frames whose LPIPS is over 0.1, 0.2 and 0.3; each 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lpips_squeeze_over: Option<[f64; 3]>,
    /// Mean of shown − original for R, G, B, in 1/255.
    pub mean_error: [f64; 3],
    /// Mean difference of consecutive frames in 1/255 (see [`Motion`](crate::quality::Motion)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporal_difference: Option<f64>,
    /// That of the original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporal_difference_original: Option<f64>,
    /// The former over the latter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporal_ratio: Option<f64>,
    /// Change of the error at segment borders over that inside segments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seam: Option<f64>,
    /// Frames that are missing; they count as the worst.
    pub missing: u64,
}

/// The reports that show a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// In every report, the terminal's included.
    Brief,
    /// On the page and in files.
    Page,
    /// In files.
    File,
}

/// One line of [`FIGURES`].
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Figure {
    /// Name in CSV and JSON.
    pub key: &'static str,
    /// Heading in tables.
    pub label: &'static str,
    /// Unit for people; a share is shown in `%`. Empty: none.
    pub unit: &'static str,
    /// Significant decimals, in `unit`.
    pub digits: usize,
    /// The reports that show it.
    pub detail: Detail,
    /// The better direction, for figures with a curve over the rate: the means, which segments have,
    /// too.
    pub curve: Option<Better>,
    /// Reads it.
    pub of: fn(&Figures) -> Option<f64>,
}

const LOWER: Option<Better> = Some(Better::Lower);
const HIGHER: Option<Better> = Some(Better::Higher);

/// A line a figure: the fields of [`Figure`] in order.
macro_rules! figures {
    ($($key:literal, $label:literal, $unit:literal, $digits:literal, $detail:ident, $curve:expr,
       $of:expr;)*) => {
        [$(Figure {
            key: $key,
            label: $label,
            unit: $unit,
            digits: $digits,
            detail: Detail::$detail,
            curve: $curve,
            of: $of,
        }),*]
    };
}

impl Figure {
    /// Label and unit.
    pub fn heading(&self) -> String {
        if self.unit.is_empty() {
            self.label.to_owned()
        } else {
            format!("{}, {}", self.label, self.unit)
        }
    }

    /// The value in the unit that people read.
    pub fn shown(&self, figures: &Figures) -> Option<f64> {
        let factor = if self.unit == "%" { 100.0 } else { 1.0 };
        (self.of)(figures).map(|value| factor * value)
    }

    /// The rate–quality hull of clips with their rates in kbit/s.
    pub fn hull<'a>(&self, clips: impl Iterator<Item = (f64, &'a Figures)>) -> Hull {
        let points = clips.filter_map(|(kbps, figures)| Some((kbps, (self.of)(figures)?)));
        Hull::new(points, self.curve.unwrap_or(Better::Higher))
    }
}

/// Every figure in the order of reports: metrics in the loss of the fit first, then the others.
pub const FIGURES: [Figure; 20] = figures![
    "lpips_squeeze", "LPIPS-squeeze", "", 3, Brief, LOWER, |f| f.mean.lpips_squeeze;
    "lpips_squeeze_p95", "LPIPS p95", "", 3, Brief, None, |f| f.lpips_squeeze_p95;
    "lpips_squeeze_worst", "LPIPS worst", "", 3, Brief, None, |f| f.lpips_squeeze_worst;
    "lpips_squeeze_over_0.1", "over 0.1", "%", 0, Page, None, |f| f.lpips_squeeze_over.map(|o| o[0]);
    "lpips_squeeze_over_0.2", "over 0.2", "%", 0, Page, None, |f| f.lpips_squeeze_over.map(|o| o[1]);
    "lpips_squeeze_over_0.3", "over 0.3", "%", 0, Brief, None, |f| f.lpips_squeeze_over.map(|o| o[2]);
    "ssimulacra2", "SSIMULACRA 2", "", 1, Brief, HIGHER, |f| f.mean.ssimulacra2;
    "ssimulacra2_worst", "SSIMULACRA 2 worst", "", 1, Page, None, |f| f.ssimulacra2_worst;
    "vmaf", "VMAF", "", 1, Brief, HIGHER, |f| f.vmaf;
    "psnr", "PSNR", "dB", 2, Brief, HIGHER, |f| f.mean.psnr;
    "psnr_worst", "PSNR worst", "dB", 2, Brief, None, |f| Some(f.psnr_worst);
    "ssim", "SSIM", "", 3, Brief, HIGHER, |f| f.mean.ssim;
    "mean_error_r", "R", "", 1, Brief, None, |f| Some(f.mean_error[0]);
    "mean_error_g", "G", "", 1, Brief, None, |f| Some(f.mean_error[1]);
    "mean_error_b", "B", "", 1, Brief, None, |f| Some(f.mean_error[2]);
    "temporal_difference", "frame difference", "", 2, File, None, |f| f.temporal_difference;
    "temporal_difference_original", "of the original", "", 2, File, None,
        |f| f.temporal_difference_original;
    "temporal_ratio", "motion", "", 2, Brief, None, |f| f.temporal_ratio;
    "seam", "seam", "", 2, Brief, None, |f| f.seam;
    "missing", "missing frames", "", 0, File, None, |f| Some(f.missing as f64);
];

/// The figures that have a curve over the rate.
pub(super) fn curves() -> impl Iterator<Item = &'static Figure> {
    FIGURES.iter().filter(|figure| figure.curve.is_some())
}

/// The figures that are shown with this much detail.
pub(super) fn shown_at(detail: Detail) -> impl Iterator<Item = &'static Figure> {
    FIGURES.iter().filter(move |figure| figure.detail <= detail)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{FIGURES, Figures};
    use serde_json::json;

    /// A figure that is added to the struct and not to the table would be in the JSON alone.
    #[test]
    fn every_number_of_the_json_is_in_the_table() {
        let mut all = json!(Figures::default());
        let optional = "psnr ssim ssimulacra2 lpips_squeeze vmaf ssimulacra2_worst temporal_ratio seam \
                        lpips_squeeze_worst lpips_squeeze_p95 temporal_difference \
                        temporal_difference_original";
        optional.split(' ').for_each(|key| all[key] = 1.into());
        let figures: Figures = serde_json::from_value(all).unwrap();
        let json = json!(figures);
        let numbers = json
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, value)| value.is_number());
        let keys: Vec<&String> = numbers.map(|(key, _)| key).collect();
        assert_eq!(keys.len(), 15);
        for key in keys.into_iter().filter(|key| !key.ends_with("_frame")) {
            let listed = FIGURES.iter().find(|figure| figure.key == key);
            let value = listed.and_then(|figure| (figure.of)(&figures));
            assert!(value.is_some(), "{key}");
        }
    }
}
