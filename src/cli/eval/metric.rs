//! The metrics that curves are drawn of: names, direction, and where a figure has them.

use super::figures::Figures;
use crate::quality::hull::{Better, Hull, Point};

/// A metric that has a mean over a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metric {
    Lpips,
    Ssimulacra2,
    Vmaf,
    Psnr,
    Ssim,
}

impl Metric {
    /// In the order of reports: what was optimised first, then what was not.
    pub(super) const ALL: [Self; 5] = [
        Self::Lpips,
        Self::Ssimulacra2,
        Self::Vmaf,
        Self::Psnr,
        Self::Ssim,
    ];

    /// Its name in JSON and CSV.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Lpips => "lpips_squeeze",
            Self::Ssimulacra2 => "ssimulacra2",
            Self::Vmaf => "vmaf",
            Self::Psnr => "psnr",
            Self::Ssim => "ssim",
        }
    }

    /// Its name for people.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Lpips => "LPIPS-squeeze",
            Self::Ssimulacra2 => "SSIMULACRA 2",
            Self::Vmaf => "VMAF",
            Self::Psnr => "PSNR, dB",
            Self::Ssim => "SSIM",
        }
    }

    /// Which way is better.
    pub(super) fn better(self) -> Better {
        match self {
            Self::Lpips => Better::Lower,
            _ => Better::Higher,
        }
    }

    /// Decimals that mean something.
    pub(super) fn digits(self) -> usize {
        match self {
            Self::Lpips | Self::Ssim => 3,
            Self::Psnr => 2,
            Self::Ssimulacra2 | Self::Vmaf => 1,
        }
    }

    /// Its mean in `figures`.
    pub(super) fn of(self, figures: &Figures) -> Option<f64> {
        match self {
            Self::Lpips => figures.mean.lpips_squeeze,
            Self::Ssimulacra2 => figures.mean.ssimulacra2,
            Self::Vmaf => figures.vmaf,
            Self::Psnr => figures.mean.psnr,
            Self::Ssim => figures.mean.ssim,
        }
    }

    /// The hull of clips with their rates in kbit/s.
    pub(super) fn hull<'a>(self, clips: impl Iterator<Item = (f64, &'a Figures)>) -> Hull {
        let point = |(kbps, figures)| Some::<Point>((kbps, self.of(figures)?));
        Hull::new(clips.filter_map(point), self.better())
    }
}
