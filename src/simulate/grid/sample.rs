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
    of: Of,
}

/// Source of a figure.
#[derive(Debug, Clone, Copy)]
enum Of {
    Field(fn(&Figures) -> Option<f64>),
    /// The share of time over the LPIPS threshold with this index.
    Over(usize),
}

/// Name, digits and source.
type Entry = (&'static str, usize, fn(&Figures) -> Option<f64>);

/// The figures of tables and charts, except the shares over thresholds.
const FIELDS: &[Entry] = &[
    ("QoE_lin", 3, |f| Some(f.qoe_lin)),
    ("gap to oracle", 3, |f| f.oracle_gap),
    ("QoE_log", 3, |f| Some(f.qoe_log)),
    ("Sabre score", 3, |f| f.extra("score")),
    ("stall ratio", 4, |f| Some(f.stall_ratio)),
    ("start-up s", 2, |f| Some(f.startup_s)),
    ("switches", 1, |f| Some(f.switches as f64)),
    ("played kbit/s", 1, |f| Some(f.played_kbps)),
    ("received kB", 1, |f| Some(f.bytes as f64 / 1000.0)),
    ("wasted kB", 1, |f| Some(f.wasted_bytes as f64 / 1000.0)),
    ("SSIM dB", 2, |f| f.ssim_db),
    (LPIPS, 4, |f| f.lpips_squeeze),
    ("LPIPS (squeeze) p95", 4, |f| f.lpips_squeeze_p95),
];

/// The name of the mean LPIPS, a part of the names of all LPIPS figures.
pub(super) const LPIPS: &str = "LPIPS (squeeze)";

/// The figures of tables and charts, with a share of time for each of the LPIPS `thresholds`.
pub fn figures(thresholds: &[f64]) -> Vec<Figure> {
    let fields = FIELDS.iter().map(|&(name, digits, of)| Figure {
        name: name.into(),
        digits,
        of: Of::Field(of),
    });
    let shares = thresholds.iter().enumerate();
    let shares = shares.map(|(number, threshold)| Figure {
        name: format!("time over {LPIPS} {threshold}"),
        digits: 4,
        of: Of::Over(number),
    });
    fields.chain(shares).collect()
}

impl Figure {
    /// Whether it is a share of time over an LPIPS threshold.
    pub fn is_share(&self) -> bool {
        matches!(self.of, Of::Over(_))
    }

    /// Its value, where there is one.
    pub fn of(&self, figures: &Figures) -> Option<f64> {
        match self.of {
            Of::Field(of) => of(figures),
            Of::Over(number) => figures.lpips_squeeze_over.get(number).copied(),
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
        let pairs = here.iter().zip(&there);
        let differences: Vec<f64> = pairs.map(|(here, there)| here - there).collect();
        bootstrap(&differences, 1)
    }

    /// Whether at least one row has the figure.
    pub fn has(&self, figure: &Figure) -> bool {
        let mut rows = self.rules.iter().flat_map(|(_, rows)| rows);
        rows.any(|row| figure.of(&row.figures).is_some())
    }
}
