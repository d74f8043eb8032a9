//! One column of a grid's rows: a figure over traces, rule by rule.

use super::Row;
use crate::simulate::qoe::Figures;
use crate::simulate::statistics::{Estimate, bootstrap};

/// A figure by name, with the digits that reports show.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) digits: usize,
    pub(super) of: fn(&Figures) -> Option<f64>,
}

/// The figures that tables and curves show.
pub(super) const FIGURES: &[Figure] = &[
    figure("QoE_lin", 3, |f| Some(f.qoe_lin)),
    figure("gap to oracle", 3, |f| f.oracle_gap),
    figure("QoE_log", 3, |f| Some(f.qoe_log)),
    figure("Sabre score", 3, |f| Some(f.score)),
    figure("stall ratio", 4, |f| Some(f.stall_ratio)),
    figure("start-up s", 2, |f| Some(f.startup_s)),
    figure("switches", 1, |f| Some(f.switches as f64)),
    figure("played kbit/s", 1, |f| Some(f.played_kbps)),
    figure("wasted kB", 1, |f| Some(f.wasted_bytes as f64 / 1000.0)),
    figure("LPIPS (squeeze)", 4, |f| f.lpips_squeeze),
    figure("LPIPS (squeeze) p95", 4, |f| f.lpips_squeeze_p95),
    figure("share over the last LPIPS threshold", 4, |f| {
        f.lpips_squeeze_over.last().copied()
    }),
];

const fn figure(name: &'static str, digits: usize, of: fn(&Figures) -> Option<f64>) -> Figure {
    Figure { name, digits, of }
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
    /// The rows taken apart by title and rule.
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

    /// A figure's mean over the rows of a rule, with its interval; by name as tables show it.
    pub fn estimate(&self, rule: &str, name: &str) -> Option<Estimate> {
        let figure = FIGURES.iter().find(|figure| figure.name == name)?;
        let (_, rows) = self.rules.iter().find(|(known, _)| *known == rule)?;
        Some(bootstrap(&values(figure, rows), 1))
    }
}

/// A figure of every row, not a number where it is absent.
pub(super) fn values(figure: &Figure, rows: &[&Row]) -> Vec<f64> {
    let value = |row: &&Row| (figure.of)(&row.figures).unwrap_or(f64::NAN);
    rows.iter().map(value).collect()
}
