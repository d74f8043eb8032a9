//! A grid's rows by title and rule, and the figures that reports show.

use super::run::Row;
use crate::simulate::qoe::Figures;
use crate::simulate::statistics::{Estimate, bootstrap};

/// A figure by name, with the digits that reports show.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Name and unit.
    pub name: String,
    /// Digits after the point.
    pub digits: usize,
    of: fn(&Figures) -> Option<f64>,
    /// Index of the LPIPS threshold, of a share of time over one.
    threshold: Option<usize>,
}

/// The name of the mean LPIPS, a part of the names of all LPIPS figures.
pub(super) const LPIPS: &str = "LPIPS (squeeze)";

/// The figures of tables and charts, with a share of time for each of the LPIPS `thresholds`.
pub fn figures(thresholds: &[f64]) -> Vec<Figure> {
    let figure = |name: &str, digits, of: fn(&Figures) -> Option<f64>| Figure {
        name: name.to_owned(),
        digits,
        of,
        threshold: None,
    };
    let mut figures = vec![
        figure("QoE_lin", 3, |f| Some(f.qoe_lin)),
        figure("gap to oracle", 3, |f| f.oracle_gap),
        figure("QoE_log", 3, |f| Some(f.qoe_log)),
        figure("Sabre score", 3, |f| f.extra("score")),
        figure("stall ratio", 4, |f| Some(f.stall_ratio)),
        figure("start-up s", 2, |f| Some(f.startup_s)),
        figure("switches", 1, |f| Some(f.switches as f64)),
        figure("played kbit/s", 1, |f| Some(f.played_kbps)),
        figure("received kB", 1, |f| Some(f.bytes as f64 / 1000.0)),
        figure("wasted kB", 1, |f| Some(f.wasted_bytes as f64 / 1000.0)),
        figure("SSIM dB", 2, |f| f.ssim_db),
        figure(LPIPS, 4, |f| f.lpips_squeeze),
        figure("LPIPS (squeeze) p95", 4, |f| f.lpips_squeeze_p95),
    ];
    figures.extend(
        thresholds
            .iter()
            .enumerate()
            .map(|(index, threshold)| Figure {
                threshold: Some(index),
                ..figure(&format!("time over {LPIPS} {threshold}"), 4, |_| None)
            }),
    );
    figures
}

impl Figure {
    /// Whether it is a share of time over an LPIPS threshold.
    pub fn is_share(&self) -> bool {
        self.threshold.is_some()
    }

    /// Its value, where there is one.
    pub fn of(&self, figures: &Figures) -> Option<f64> {
        match self.threshold {
            None => (self.of)(figures),
            Some(index) => figures.lpips_squeeze_over.get(index).copied(),
        }
    }

    /// Its value in every row, NaN where absent.
    pub(super) fn values(&self, rows: &[&Row]) -> Vec<f64> {
        let value = |row: &&Row| self.of(&row.figures).unwrap_or(f64::NAN);
        rows.iter().map(value).collect()
    }
}

/// The rows of one title, rule by rule in the order of the grid.
#[derive(Debug, Clone)]
pub struct Sample<'a> {
    /// The title.
    pub title: &'a str,
    /// Each rule and its rows, traces in the same order for each.
    pub rules: Vec<(&'a str, Vec<&'a Row>)>,
}

impl<'a> Sample<'a> {
    /// Groups rows by title and rule.
    pub fn by_title(rows: &'a [Row]) -> Vec<Self> {
        let mut samples: Vec<Self> = Vec::new();
        for row in rows {
            let place = samples.iter().position(|sample| sample.title == row.title);
            let place = place.unwrap_or_else(|| {
                samples.push(Self {
                    title: &row.title,
                    rules: Vec::new(),
                });
                samples.len() - 1
            });
            let rules = &mut samples[place].rules;
            match rules.iter_mut().find(|(rule, _)| *rule == row.rule) {
                Some((_, rows)) => rows.push(row),
                None => rules.push((&row.rule, vec![row])),
            }
        }
        samples
    }

    /// The rows of a rule; empty for a rule not played.
    pub fn rows(&self, rule: &str) -> &[&'a Row] {
        let found = self.rules.iter().find(|(known, _)| *known == rule);
        found.map_or(&[], |(_, rows)| rows)
    }

    /// A figure's mean over the rows of a rule, with its interval.
    pub fn estimate(&self, rule: &str, figure: &Figure) -> Estimate {
        bootstrap(&figure.values(self.rows(rule)), 1)
    }

    /// Mean of the paired differences `self` − `other` of a figure, with its interval. Narrower than two
    /// separate intervals suggest, because both saw the same networks.
    pub fn difference(&self, other: &Self, rule: &str, figure: &Figure) -> Estimate {
        let here = figure.values(self.rows(rule));
        let there = figure.values(other.rows(rule));
        let differences = here.iter().zip(&there).map(|(here, there)| here - there);
        bootstrap(&differences.collect::<Vec<_>>(), 1)
    }

    /// Whether at least one row has the figure.
    pub fn has(&self, figure: &Figure) -> bool {
        let mut rows = self.rules.iter().flat_map(|(_, rows)| rows);
        rows.any(|row| figure.of(&row.figures).is_some())
    }
}
