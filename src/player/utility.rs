//! The value of a segment on a rung to the viewer: one number that grows with quality.
//!
//! | utility | value before scaling |
//! |---|---|
//! | `log` (default) | ln(rate), the same for every segment |
//! | `linear` | rate, the same for every segment |
//! | `psnr`, `ssimulacra2` | as measured |
//! | `ssim` | −10·log10(1 − SSIM) dB, at most 60 (Puffer, NSDI 2020) |
//! | `lpips_squeeze` | 1 − LPIPS |
//!
//! Whatever the measure, the lowest rung averages 0 and the top rung ln(top rate / lowest rate), so
//! that constants that rules take from the literature, where utilities are logarithms, keep their
//! meaning. Measured values come from the title's `quality.json`.

use crate::manifest::{Metrics, QualityReport};
use std::fmt;
use std::str::FromStr;

/// Upper limit of SSIM in decibels (Puffer's clamp).
const SSIM_DB_MOST: f64 = 60.0;

/// The utilities by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Utility {
    /// The logarithm of the rung's rate.
    #[default]
    Log,
    /// The rung's rate.
    Linear,
    /// PSNR as measured per segment.
    Psnr,
    /// SSIM as measured per segment, in decibels.
    Ssim,
    /// SSIMULACRA 2 as measured per segment.
    Ssimulacra2,
    /// LPIPS (SqueezeNet) as measured per segment, less is more.
    LpipsSqueeze,
}

/// A utility name that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no utility: expected log, linear, psnr, ssim, ssimulacra2 or lpips_squeeze")]
pub struct UnknownUtility(pub String);

/// Why utilities cannot be taken from a table of measurements.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UtilityError {
    /// A measured utility without a table.
    #[error("utility `{utility}`: the title has no quality.json")]
    NoTable {
        /// The utility's name.
        utility: &'static str,
    },
    /// A rung of the ladder that the table does not have.
    #[error("quality.json has no rung `{rung}`")]
    NoRung {
        /// The rung's name.
        rung: String,
    },
    /// A rung whose number of segments is not the ladder's.
    #[error("quality.json, rung `{rung}`: expected {expected} segments, found {found}")]
    SegmentCount {
        /// The rung's name.
        rung: String,
        /// Segments of the ladder.
        expected: usize,
        /// Segments of the table.
        found: usize,
    },
    /// A segment without this measure, or with a value that is not finite.
    #[error("quality.json, rung `{rung}`, segment {segment}: no `{utility}`")]
    NotMeasured {
        /// The rung's name.
        rung: String,
        /// Segment number, from 0.
        segment: usize,
        /// The utility's name.
        utility: &'static str,
    },
    /// The top rung is no better than the lowest.
    #[error("quality.json: by `{utility}` the top rung is no better than the lowest")]
    Flat {
        /// The utility's name.
        utility: &'static str,
    },
}

impl Utility {
    /// Every utility.
    pub const ALL: [Self; 6] = [
        Self::Log,
        Self::Linear,
        Self::Psnr,
        Self::Ssim,
        Self::Ssimulacra2,
        Self::LpipsSqueeze,
    ];

    /// The utility as its name is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Linear => "linear",
            Self::Psnr => "psnr",
            Self::Ssim => "ssim",
            Self::Ssimulacra2 => "ssimulacra2",
            Self::LpipsSqueeze => "lpips_squeeze",
        }
    }

    /// Whether it needs a table of measurements.
    pub fn is_measured(self) -> bool {
        !matches!(self, Self::Log | Self::Linear)
    }

    /// The value of a segment before scaling, if it was measured.
    fn measured(self, metrics: &Metrics) -> Option<f64> {
        let value = match self {
            Self::Log | Self::Linear => None,
            Self::Psnr => metrics.psnr,
            Self::Ssim => metrics.ssim.map(ssim_db),
            Self::Ssimulacra2 => metrics.ssimulacra2,
            Self::LpipsSqueeze => metrics.lpips_squeeze.map(|lpips| 1.0 - lpips),
        };
        value.filter(|value| value.is_finite())
    }
}

/// SSIM in decibels, 0 to 60 (Puffer, NSDI 2020).
pub(crate) fn ssim_db(ssim: f64) -> f64 {
    (-10.0 * libm::log10(1.0 - ssim)).clamp(0.0, SSIM_DB_MOST)
}

impl FromStr for Utility {
    type Err = UnknownUtility;

    fn from_str(name: &str) -> Result<Self, UnknownUtility> {
        let found = Self::ALL.into_iter().find(|known| known.name() == name);
        found.ok_or_else(|| UnknownUtility(name.to_owned()))
    }
}

impl fmt::Display for Utility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The utilities of a ladder, scaled.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Utilities {
    kind: Utility,
    /// Mean of every rung.
    means: Vec<f64>,
    /// Segment by segment, rung by rung within a segment; empty where segments do not differ.
    table: Vec<f64>,
}

impl Utilities {
    /// Utilities that follow from the rungs' rates, kbit/s, lowest first.
    pub(super) fn of_rates(rates_kbps: &[f64], linear: bool) -> Self {
        let log = |&kbps: &f64| libm::log(kbps / rates_kbps[0]);
        let mut means: Vec<f64> = rates_kbps.iter().map(log).collect();
        if linear {
            let (lowest, top) = (rates_kbps[0], rates_kbps.len() - 1);
            let span = rates_kbps[top] - lowest;
            if span > 0.0 {
                let scale = means[top] / span;
                let rise = |kbps: &f64| scale * (kbps - lowest);
                means = rates_kbps.iter().map(rise).collect();
            }
        }
        let kind = if linear {
            Utility::Linear
        } else {
            Utility::Log
        };
        Self {
            kind,
            means,
            table: Vec::new(),
        }
    }

    /// Utilities as `report` has them measured, of rungs of so much kbit/s by name.
    pub(super) fn measured(
        kind: Utility,
        rungs: &[(&str, f64)],
        segments: usize,
        report: &QualityReport,
    ) -> Result<Self, UtilityError> {
        let mut table = vec![0.0; segments * rungs.len()];
        for (index, (id, _)) in rungs.iter().enumerate() {
            let rung = || (*id).to_owned();
            let entry = report.rungs.iter().find(|entry| entry.id == *id);
            let entry = entry.ok_or_else(|| UtilityError::NoRung { rung: rung() })?;
            if entry.segments.len() != segments {
                return Err(UtilityError::SegmentCount {
                    rung: rung(),
                    expected: segments,
                    found: entry.segments.len(),
                });
            }
            for (segment, quality) in entry.segments.iter().enumerate() {
                let value = kind.measured(&quality.metrics);
                table[segment * rungs.len() + index] =
                    value.ok_or_else(|| UtilityError::NotMeasured {
                        rung: rung(),
                        segment,
                        utility: kind.name(),
                    })?;
            }
        }
        let span = libm::log(rungs[rungs.len() - 1].1 / rungs[0].1);
        scaled(kind, rungs.len(), span, table)
    }

    pub(super) fn kind(&self) -> Utility {
        self.kind
    }

    pub(super) fn mean(&self, rung: usize) -> f64 {
        self.means[rung]
    }

    pub(super) fn of(&self, segment: usize, rung: usize) -> f64 {
        if self.table.is_empty() {
            return self.means[rung];
        }
        self.table[segment * self.means.len() + rung]
    }
}

/// `table` of `count` rungs, scaled so that the top rung averages `wanted` and the lowest 0.
fn scaled(
    kind: Utility,
    count: usize,
    wanted: f64,
    mut table: Vec<f64>,
) -> Result<Utilities, UtilityError> {
    let top = count - 1;
    let mean = |rung: usize| {
        let column = table.iter().skip(rung).step_by(count);
        column.sum::<f64>() * count as f64 / table.len() as f64
    };
    let raw: Vec<f64> = (0..count).map(mean).collect();
    let (floor, span) = (raw[0], raw[top] - raw[0]);
    if top > 0 && span <= 0.0 {
        let utility = kind.name();
        return Err(UtilityError::Flat { utility });
    }
    let scale = if span > 0.0 { wanted / span } else { 1.0 };
    table
        .iter_mut()
        .for_each(|value| *value = scale * (*value - floor));
    let means = raw.iter().map(|value| scale * (value - floor)).collect();
    Ok(Utilities { kind, means, table })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::manifest::{RungQuality, SegmentQuality};
    use crate::player::ladder::tests::constant_rate;

    fn report(lpips: &[&[f64]]) -> QualityReport {
        let rung = |(index, values): (usize, &&[f64])| RungQuality {
            id: format!("r{index}"),
            rank: index as u32 + 1,
            kbps: 1.0,
            mean: Metrics::default(),
            segments: values
                .iter()
                .map(|&value| SegmentQuality {
                    start_s: 0.0,
                    duration_s: 2.0,
                    bytes: 1,
                    measured_frames: None,
                    metrics: Metrics {
                        lpips_squeeze: Some(value),
                        ..Metrics::default()
                    },
                })
                .collect(),
        };
        QualityReport {
            version: 1,
            rungs: lpips.iter().enumerate().map(rung).collect(),
        }
    }

    #[test]
    fn names_round_trip() {
        for utility in Utility::ALL {
            assert_eq!(utility.to_string().parse(), Ok(utility));
        }
        assert!("vmaf".parse::<Utility>().is_err());
    }

    #[test]
    fn measured_quality_spans_what_the_logarithm_does() {
        let ladder = constant_rate(&[20.0, 40.0, 80.0], 2, 2.0);
        let table = report(&[&[0.3, 0.5], &[0.2, 0.3], &[0.2, 0.2]]);
        let ladder = ladder
            .with_utility(Utility::LpipsSqueeze, Some(&table))
            .unwrap();
        // Means 0.4, 0.25 and 0.2 of LPIPS: 0, 3/4 and all of ln 4.
        let top = 4f64.ln();
        assert!(ladder.mean_utility(0).abs() < 1e-12);
        assert!((ladder.mean_utility(1) - 0.75 * top).abs() < 1e-12);
        assert!((ladder.mean_utility(2) - top).abs() < 1e-12);
        assert!((ladder.utility(0, 0) - 0.5 * top).abs() < 1e-12);
        assert!((ladder.utility(1, 0) + 0.5 * top).abs() < 1e-12);
        assert_eq!(ladder.utility(0, 1), ladder.utility(0, 2));
    }

    #[test]
    fn rates_need_no_table() {
        let ladder = constant_rate(&[20.0, 40.0, 80.0], 2, 2.0);
        assert!((ladder.utility(1, 1) - 2f64.ln()).abs() < 1e-12);
        let linear = ladder.with_utility(Utility::Linear, None).unwrap();
        assert!((linear.utility(1, 1) - 4f64.ln() / 3.0).abs() < 1e-12);
        assert_eq!(linear.utility_kind(), Utility::Linear);
    }

    #[test]
    fn errors_name_what_is_missing() {
        let ladder = constant_rate(&[20.0, 40.0], 2, 2.0);
        let with = |kind, table: Option<&QualityReport>| {
            let error = ladder.clone().with_utility(kind, table);
            error.unwrap_err().to_string()
        };
        let lpips = Utility::LpipsSqueeze;
        assert!(with(lpips, None).contains("no quality.json"));
        assert!(with(lpips, Some(&report(&[&[0.1, 0.1]]))).contains("`r1`"));
        let short = report(&[&[0.1, 0.1], &[0.1]]);
        assert!(with(lpips, Some(&short)).contains("expected 2 segments"));
        let flat = report(&[&[0.1, 0.1], &[0.2, 0.1]]);
        assert!(with(lpips, Some(&flat)).contains("no better"));
        let table = report(&[&[0.3, 0.3], &[0.2, 0.2]]);
        assert!(with(Utility::Ssim, Some(&table)).contains("segment 0: no `ssim`"));
    }
}
