//! The figures of a clip, ours or a codec's, and the one table that says how each is named, shown
//! and read.

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
    /// Frames that were never shown; they count as the worst.
    pub missing: u64,
}

/// Which reports show a figure.
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
    /// Decimals that mean something, in `unit`.
    pub digits: usize,
    /// Where it is shown.
    pub detail: Detail,
    /// Which way is better, for figures that have a curve over the rate. These are the means, which
    /// segments have, too.
    pub curve: Option<Better>,
    /// Reads it.
    pub of: fn(&Figures) -> Option<f64>,
}

impl Figure {
    const fn new(
        key: &'static str,
        label: &'static str,
        digits: usize,
        of: fn(&Figures) -> Option<f64>,
    ) -> Self {
        Self {
            key,
            label,
            unit: "",
            digits,
            detail: Detail::Page,
            curve: None,
            of,
        }
    }

    const fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    const fn detail(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }

    const fn curve(self, better: Better) -> Self {
        Self {
            curve: Some(better),
            detail: Detail::Brief,
            ..self
        }
    }

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
pub const FIGURES: [Figure; 20] = [
    Figure::new("lpips_squeeze", "LPIPS-squeeze", 3, |f| {
        f.mean.lpips_squeeze
    })
    .curve(Better::Lower),
    Figure::new("lpips_squeeze_p95", "LPIPS p95", 3, |f| f.lpips_squeeze_p95).detail(Detail::Brief),
    Figure::new("lpips_squeeze_worst", "LPIPS worst", 3, |f| {
        f.lpips_squeeze_worst
    })
    .detail(Detail::Brief),
    Figure::new("lpips_squeeze_over_0.1", "over 0.1", 0, |f| over(f, 0)).unit("%"),
    Figure::new("lpips_squeeze_over_0.2", "over 0.2", 0, |f| over(f, 1)).unit("%"),
    Figure::new("lpips_squeeze_over_0.3", "over 0.3", 0, |f| over(f, 2))
        .unit("%")
        .detail(Detail::Brief),
    Figure::new("ssimulacra2", "SSIMULACRA 2", 1, |f| f.mean.ssimulacra2).curve(Better::Higher),
    Figure::new("ssimulacra2_worst", "SSIMULACRA 2 worst", 1, |f| {
        f.ssimulacra2_worst
    }),
    Figure::new("vmaf", "VMAF", 1, |f| f.vmaf).curve(Better::Higher),
    Figure::new("psnr", "PSNR", 2, |f| f.mean.psnr)
        .unit("dB")
        .curve(Better::Higher),
    Figure::new("psnr_worst", "PSNR worst", 2, |f| Some(f.psnr_worst))
        .unit("dB")
        .detail(Detail::Brief),
    Figure::new("ssim", "SSIM", 3, |f| f.mean.ssim).curve(Better::Higher),
    Figure::new("mean_error_r", "R", 1, |f| Some(f.mean_error[0])).detail(Detail::Brief),
    Figure::new("mean_error_g", "G", 1, |f| Some(f.mean_error[1])).detail(Detail::Brief),
    Figure::new("mean_error_b", "B", 1, |f| Some(f.mean_error[2])).detail(Detail::Brief),
    Figure::new("temporal_difference", "frame difference", 2, |f| {
        f.temporal_difference
    })
    .detail(Detail::File),
    Figure::new("temporal_difference_original", "of the original", 2, |f| {
        f.temporal_difference_original
    })
    .detail(Detail::File),
    Figure::new("temporal_ratio", "motion", 2, |f| f.temporal_ratio).detail(Detail::Brief),
    Figure::new("seam", "seam", 2, |f| f.seam).detail(Detail::Brief),
    Figure::new("missing", "missing frames", 0, |f| Some(f.missing as f64)).detail(Detail::File),
];

fn over(figures: &Figures, bound: usize) -> Option<f64> {
    figures.lpips_squeeze_over.map(|shares| shares[bound])
}

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

    /// A figure that is added to the struct and not to the table would be in the JSON alone.
    #[test]
    fn every_number_of_the_json_is_in_the_table() {
        let mut figures = Figures {
            vmaf: Some(1.0),
            ssimulacra2_worst: Some(1.0),
            lpips_squeeze_worst: Some(1.0),
            lpips_squeeze_p95: Some(1.0),
            temporal_difference: Some(1.0),
            temporal_difference_original: Some(1.0),
            temporal_ratio: Some(1.0),
            seam: Some(1.0),
            ..Figures::default()
        };
        let all = Some(1.0);
        let mean = &mut figures.mean;
        (mean.psnr, mean.ssim, mean.ssimulacra2, mean.lpips_squeeze) = (all, all, all, all);
        let json = serde_json::to_value(&figures).unwrap();
        let numbers = json.as_object().unwrap().iter();
        let numbers = numbers.filter(|(key, value)| value.is_number() && !key.ends_with("_frame"));
        for (key, _) in numbers {
            let listed = FIGURES.iter().find(|figure| figure.key == key);
            assert!(
                listed.is_some_and(|figure| (figure.of)(&figures).is_some()),
                "{key}"
            );
        }
    }
}
