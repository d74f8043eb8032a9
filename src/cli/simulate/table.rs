//! A grid's figures as text for the terminal: a table a title, then titles side by side.

use crate::simulate::fit::FitTo;
use crate::simulate::grid::{Figure, Grid, Row, Sample, figures};
use crate::simulate::statistics::Estimate;
use std::fmt::{self, Write};

/// Figures of a title's own table.
const SHOWN: [&str; 6] = [
    "QoE_lin",
    "gap to oracle",
    "QoE_log",
    "Sabre score",
    "stall ratio",
    "LPIPS (squeeze)",
];
/// Figures that titles are compared by, beside the shares of time over thresholds.
const COMPARED: [&str; 5] = [
    "LPIPS (squeeze)",
    "LPIPS (squeeze) p95",
    "SSIM dB",
    "stall ratio",
    "received kB",
];

/// The tables of `rows`, which came of `grid`: means with their 95 % intervals.
pub(super) fn text(grid: &Grid, rows: &[Row]) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = tables(&mut out, grid, rows);
    out
}

fn tables(out: &mut String, grid: &Grid, rows: &[Row]) -> fmt::Result {
    let all = figures(&grid.thresholds);
    let pick = |wanted: &dyn Fn(&Figure) -> bool| -> Vec<&Figure> {
        all.iter().filter(|figure| wanted(figure)).collect()
    };
    let shown = pick(&|figure| SHOWN.contains(&figure.name.as_str()));
    let samples = Sample::by_title(rows);
    for sample in &samples {
        writeln!(out, "{}", sample.title)?;
        let known = shown.iter().filter(|figure| sample.has(figure));
        let known: Vec<&Figure> = known.copied().collect();
        heading(out, "rule", &known)?;
        for (rule, _) in &sample.rules {
            let found = known.iter().map(|figure| sample.estimate(rule, figure));
            line(out, rule, found)?;
        }
    }
    let compared = pick(&|figure| COMPARED.contains(&figure.name.as_str()) || figure.is_share());
    let known = |figure: &&Figure| samples.iter().any(|sample| sample.has(figure));
    let compared: Vec<&Figure> = compared.into_iter().filter(known).collect();
    if samples.len() > 1 {
        side_by_side(out, &samples, &compared)?;
    }
    fitted(out, grid, rows)
}

/// Titles under each rule, and the first one's lead over each other, session by session.
fn side_by_side(out: &mut String, samples: &[Sample<'_>], figures: &[&Figure]) -> fmt::Result {
    let Some((first, others)) = samples.split_first() else {
        return Ok(());
    };
    for (rule, _) in &first.rules {
        writeln!(out, "\nside by side, rule {rule}")?;
        heading(out, "title", figures)?;
        for sample in samples {
            let found = figures.iter().map(|figure| sample.estimate(rule, figure));
            line(out, tail(sample.title), found)?;
        }
        for other in others {
            let found = figures.iter();
            let found = found.map(|figure| first.difference(other, rule, figure));
            line(out, &format!("1st − {}", tail(other.title)), found)?;
        }
    }
    Ok(())
}

/// What traces were multiplied by.
fn fitted(out: &mut String, grid: &Grid, rows: &[Row]) -> fmt::Result {
    let Some(fit_to) = grid.fit_to else {
        return Ok(());
    };
    let ladder = match fit_to {
        FitTo::Each => "each title's own ladder: titles saw different networks",
        FitTo::One(number) => &grid.subjects[number].name,
    };
    let factors = rows.iter().map(|row| row.multiplier);
    let low = factors.clone().fold(f64::INFINITY, f64::min);
    let high = factors.fold(0.0, f64::max);
    writeln!(
        out,
        "traces multiplied by {low:.6} to {high:.6} to fit {ladder}"
    )
}

fn heading(out: &mut String, first: &str, figures: &[&Figure]) -> fmt::Result {
    write!(out, "{first:<26}")?;
    for figure in figures {
        write!(out, " {:>27}", figure.name)?;
    }
    writeln!(out)
}

fn line(out: &mut String, name: &str, found: impl Iterator<Item = Estimate>) -> fmt::Result {
    write!(out, "{name:<26}")?;
    for Estimate { mean, low, high } in found {
        let cell = match mean.is_finite() {
            true => format!("{mean:.4} [{low:.4}, {high:.4}]"),
            false => "-".into(),
        };
        write!(out, " {cell:>27}")?;
    }
    writeln!(out)
}

/// The last part of a path.
fn tail(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    trimmed.rsplit('/').next().unwrap_or(trimmed)
}
