//! The value of a segment on a rung to the viewer: one number that grows with quality.
//!
//! After scaling the lowest rung averages 0 and the top rung ln(top rate / lowest rate), so
//! that constants that rules take from the literature, where utilities are logarithms, keep their
//! meaning. Measured values come from the title's `quality.json`.

use super::named::named;
use crate::manifest::{Metrics, QualityReport};

/// Upper limit of SSIM in decibels (Puffer's clamp).
const SSIM_DB_MOST: f64 = 60.0;

/// The utilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Utility {
    /// The logarithm of the rung's rate.
    #[default]
    Log,
    /// The rung's rate.
    Linear,
    /// PSNR, measured per segment.
    Psnr,
    /// SSIM, measured per segment: −10·log10(1 − SSIM) dB, at most 60 (Puffer, NSDI 2020).
    Ssim,
    /// SSIMULACRA 2, measured per segment.
    Ssimulacra2,
    /// 1 − LPIPS (SqueezeNet), measured per segment.
    LpipsSqueeze,
}

named! { Utility, "utility":
    Log = "log", Linear = "linear", Psnr = "psnr", Ssim = "ssim", Ssimulacra2 = "ssimulacra2",
    LpipsSqueeze = "lpips_squeeze",
}

/// Why utilities cannot be taken from a table of measurements. Segments count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UtilityError {
    /// A measured utility without a table.
    #[error("utility `{0}`: the title has no quality.json")]
    NoTable(Utility),
    /// A rung of the ladder that the table does not have.
    #[error("quality.json has no rung `{0}`")]
    NoRung(String),
    /// A rung whose number of segments is not the ladder's.
    #[error("quality.json, rung `{0}`: expected {1} segments, found {2}")]
    SegmentCount(String, usize, usize),
    /// A segment of a rung without this measure, or with a value that is not finite.
    #[error("quality.json, rung `{0}`, segment {1}: no `{2}`")]
    NotMeasured(String, usize, Utility),
    /// The top rung is no better than the lowest.
    #[error("quality.json: by `{0}` the top rung is no better than the lowest")]
    Flat(Utility),
}

impl Utility {
    /// Whether it needs a table of measurements.
    pub fn is_measured(self) -> bool {
        !matches!(self, Self::Log | Self::Linear)
    }

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

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Utilities {
    pub(super) kind: Utility,
    pub(super) means: Vec<f64>,
    /// Segment by segment, rung by rung within a segment; empty where segments do not differ.
    table: Vec<f64>,
}

impl Utilities {
    /// Utilities that follow from the rungs' rates, kbit/s, lowest first.
    pub(super) fn of_rates(rates_kbps: &[f64], kind: Utility) -> Self {
        let (lowest, top) = (rates_kbps[0], rates_kbps[rates_kbps.len() - 1]);
        let log = |kbps: &f64| libm::log(kbps / lowest);
        let scale = log(&top) / (top - lowest);
        let linear = kind == Utility::Linear && top > lowest;
        let value = |kbps| {
            if linear {
                scale * (kbps - lowest)
            } else {
                log(kbps)
            }
        };
        Self {
            kind,
            means: rates_kbps.iter().map(value).collect(),
            table: Vec::new(),
        }
    }

    /// Utilities as measured in `report`; `rungs` are names and rates, kbit/s.
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
            let entry = entry.ok_or_else(|| UtilityError::NoRung(rung()))?;
            let found = entry.segments.len();
            if found != segments {
                return Err(UtilityError::SegmentCount(rung(), segments, found));
            }
            for (segment, quality) in entry.segments.iter().enumerate() {
                let value = kind.measured(&quality.metrics);
                let missing = || UtilityError::NotMeasured(rung(), segment, kind);
                table[segment * rungs.len() + index] = value.ok_or_else(missing)?;
            }
        }
        let span = libm::log(rungs[rungs.len() - 1].1 / rungs[0].1);
        scaled(kind, rungs.len(), span, table)
    }

    pub(super) fn of(&self, segment: usize, rung: usize) -> f64 {
        let row = segment * self.means.len();
        let value = self.table.get(row + rung);
        value.copied().unwrap_or(self.means[rung])
    }
}

/// `table` of `count` rungs, scaled so that the top rung averages `wanted` and the lowest 0.
fn scaled(
    kind: Utility,
    count: usize,
    wanted: f64,
    table: Vec<f64>,
) -> Result<Utilities, UtilityError> {
    let top = count - 1;
    let mean = |rung: usize| {
        let column = table.iter().skip(rung).step_by(count);
        column.sum::<f64>() * count as f64 / table.len() as f64
    };
    let raw: Vec<f64> = (0..count).map(mean).collect();
    let (floor, span) = (raw[0], raw[top] - raw[0]);
    if top > 0 && span <= 0.0 {
        return Err(UtilityError::Flat(kind));
    }
    let scale = if span > 0.0 { wanted / span } else { 1.0 };
    let scaled = |values: Vec<f64>| values.iter().map(|value| scale * (value - floor)).collect();
    Ok(Utilities {
        kind,
        means: scaled(raw),
        table: scaled(table),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::{RungQuality, SegmentQuality};
    use crate::player::ladder::tests::constant_rate;

    /// Measured LPIPS by rung and segment.
    pub(crate) fn report(lpips: &[&[f64]]) -> QualityReport {
        let segment = |&value: &f64| SegmentQuality {
            start_s: 0.0,
            duration_s: 2.0,
            bytes: 1,
            measured_frames: None,
            metrics: Metrics {
                lpips_squeeze: Some(value),
                ..Metrics::default()
            },
        };
        let rung = |(index, values): (usize, &&[f64])| RungQuality {
            id: format!("r{index}"),
            rank: index as u32 + 1,
            kbps: 1.0,
            mean: Metrics::default(),
            segments: values.iter().map(segment).collect(),
        };
        QualityReport {
            version: 1,
            rungs: lpips.iter().enumerate().map(rung).collect(),
        }
    }

    #[test]
    fn measured_quality_spans_what_the_logarithm_does() {
        let ladder = constant_rate(&[20.0, 40.0, 80.0], 2, 2.0);
        let table = report(&[&[0.3, 0.5], &[0.2, 0.3], &[0.2, 0.2]]);
        let ladder = ladder.with_utility(Utility::LpipsSqueeze, Some(&table));
        let ladder = ladder.unwrap();
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
        let lpips = Utility::LpipsSqueeze;
        for (kind, table, expected) in [
            (lpips, None, "no quality.json"),
            (lpips, Some(report(&[&[0.1, 0.1]])), "`r1`"),
            (
                lpips,
                Some(report(&[&[0.1, 0.1], &[0.1]])),
                "expected 2 segments",
            ),
            (
                lpips,
                Some(report(&[&[0.1, 0.1], &[0.2, 0.1]])),
                "no better",
            ),
            (
                Utility::Ssim,
                Some(report(&[&[0.3, 0.3], &[0.2, 0.2]])),
                "segment 0: no `ssim`",
            ),
        ] {
            let refused = ladder.clone().with_utility(kind, table.as_ref());
            let error = refused.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
