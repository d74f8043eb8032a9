//! Means over sessions as tables: the same ones for the terminal and for the page.

use super::charts::short;
use super::run::{FitTo, Grid, Row};
use super::sample::{Figure, Sample, figures};
use crate::report::html::{Cell, Table};
use crate::simulate::statistics::Estimate;
use std::fmt::Write;

/// Figures of a title's table in the terminal.
const SHOWN: [&str; 6] = [
    "QoE_lin",
    "gap to oracle",
    "QoE_log",
    "Sabre score",
    "stall ratio",
    "LPIPS (squeeze)",
];
/// Figures of the comparison of titles in the terminal, beside the shares of time over thresholds.
const COMPARED: [&str; 5] = [
    "LPIPS (squeeze)",
    "LPIPS (squeeze) p95",
    "SSIM dB",
    "stall ratio",
    "received kB",
];

/// The tables of `rows`, the result of `grid`, as text: means with 95 % intervals.
pub fn text(grid: &Grid, rows: &[Row]) -> String {
    let all = figures(&grid.thresholds);
    let samples = Sample::by_title(rows);
    let mut out = String::new();
    for sample in &samples {
        let shown = |figure: &&Figure| SHOWN.contains(&&*figure.name) && sample.has(figure);
        let shown: Vec<&Figure> = all.iter().filter(shown).collect();
        let table = of_title(sample.title, sample, &shown);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{table}");
    }
    if let [first, others @ ..] = samples.as_slice()
        && !others.is_empty()
    {
        let named = |figure: &Figure| COMPARED.contains(&&*figure.name) || figure.is_share();
        let known = |figure: &&Figure| samples.iter().any(|sample| sample.has(figure));
        let compared: Vec<&Figure> = all.iter().filter(|f| named(f) && known(f)).collect();
        let means = means("side by side", &samples, &compared);
        let differences = differences(first, others, &compared);
        let _ = write!(out, "{means}\n{differences}\n");
    }
    if let Some(fitted) = fitted(grid, rows) {
        let _ = writeln!(out, "{fitted}");
    }
    out
}

/// One title: a row per rule.
pub(super) fn of_title(caption: &str, sample: &Sample<'_>, figures: &[&Figure]) -> Table {
    let mut table = empty(caption, &["rule"], figures);
    for (rule, _) in &sample.rules {
        let mean = |figure: &Figure| sample.estimate(rule, figure);
        table.rows.push(row(&[rule], figures, mean));
    }
    table
}

/// All titles: a row per title and rule.
pub(super) fn means(caption: &str, samples: &[Sample<'_>], figures: &[&Figure]) -> Table {
    let mut table = empty(caption, &["title", "rule"], figures);
    for sample in samples {
        for (rule, _) in &sample.rules {
            let mean = |figure: &Figure| sample.estimate(rule, figure);
            table
                .rows
                .push(row(&[short(sample.title), rule], figures, mean));
        }
    }
    table
}

/// The first title minus each other one, session by session.
pub(super) fn differences(first: &Sample<'_>, others: &[Sample<'_>], figures: &[&Figure]) -> Table {
    let name = short(first.title);
    let caption = format!("{name} minus the other, mean over the same sessions");
    let mut table = empty(&caption, &["other title", "rule"], figures);
    for other in others {
        for (rule, _) in &first.rules {
            let difference = |figure: &Figure| first.difference(other, rule, figure);
            table
                .rows
                .push(row(&[short(other.title), rule], figures, difference));
        }
    }
    table
}

/// The multipliers of fitted traces, in a sentence.
pub(super) fn fitted(grid: &Grid, rows: &[Row]) -> Option<String> {
    let ladder = match grid.fit_to? {
        FitTo::Each => "each title's ladder, so titles saw different networks".to_owned(),
        FitTo::One(index) => format!("the ladder of {}", grid.contents[index].name),
    };
    let factors = rows.iter().map(|row| row.multiplier);
    let low = factors.clone().fold(f64::INFINITY, f64::min);
    let high = factors.fold(0.0, f64::max);
    Some(format!(
        "Each trace was multiplied to fit {ladder}: by {low:.6} to {high:.6}."
    ))
}

fn empty(caption: &str, leading: &[&str], figures: &[&Figure]) -> Table {
    let mut columns = leading.to_vec();
    columns.extend(figures.iter().map(|figure| figure.name.as_str()));
    Table::new(caption, &columns)
}

fn row(leading: &[&str], figures: &[&Figure], of: impl Fn(&Figure) -> Estimate) -> Vec<Cell> {
    let mut cells: Vec<Cell> = leading.iter().map(|text| Cell::text(*text)).collect();
    cells.extend(figures.iter().map(|figure| {
        let Estimate { mean, low, high } = of(figure);
        Cell::Interval {
            value: mean,
            low,
            high,
            digits: figure.digits,
        }
    }));
    cells
}
