//! A grid as one HTML page: titles side by side, and for each title a table, distributions, rule
//! against rule, and time lines.

use super::sample::{Figure, figures};
use super::sessions::{sessions, short};
use super::titles::side_by_side;
use super::{Grid, GridError, Row, Sample};
use crate::report::html::{Axis, Block, Cell, Chart, Choice, Page, Pairs, Section, Series, Table};
use crate::simulate::fit::FitTo;
use crate::simulate::statistics::Estimate;

/// The page of `rows`, which came of `grid` by `command`.
pub fn page(grid: &Grid, rows: &[Row], command: &str) -> Result<Page, GridError> {
    let mut page = Page::new("Simulated sessions", lead(grid, rows));
    page.push(Section::new("Made by").with(Block::Code(command.to_owned())));
    let samples = Sample::by_title(rows);
    let figures = figures(&grid.thresholds);
    if samples.len() > 1 {
        page.push(side_by_side(&samples, &figures));
    }
    for (number, sample) in samples.iter().enumerate() {
        let figures = figures.iter().filter(|figure| sample.has(figure));
        let figures: Vec<&Figure> = figures.collect();
        page.push(table(sample, &figures));
        page.push(distributions(sample, &figures));
        if sample.rules.len() > 1 {
            page.push(against(sample, &figures));
        }
        page.push(sessions(grid, sample, number)?);
    }
    Ok(page)
}

fn lead(grid: &Grid, rows: &[Row]) -> String {
    let counted = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let mut lead = format!(
        "{}: {}, {}, {}, {}. Buffer {} s. Figures are means over sessions; intervals hold 95 % of \
         1000 bootstrap resamples. LPIPS is by \
         segment (SqueezeNet); stalled and missing time counts 1. Bytes are those of media segments.",
        counted(rows.len(), "session"),
        counted(grid.subjects.len(), "title"),
        counted(grid.traces.len(), "trace"),
        counted(grid.seeds as usize, "seed"),
        counted(grid.players.len(), "rule"),
        grid.options.buffer_s
    );
    if grid.oracle_plans.is_some() {
        lead += " The oracle knows the trace and maximises QoE_lin.";
    }
    let fitted = grid.fit_to.map(|fit_to| match fit_to {
        FitTo::Each => "each title's ladder, so titles saw different networks".to_owned(),
        FitTo::One(number) => format!("the ladder of {}", grid.subjects[number].name),
    });
    if let Some(ladder) = fitted {
        let factors = rows.iter().map(|row| row.multiplier);
        let low = factors.clone().fold(f64::INFINITY, f64::min);
        let high = factors.fold(0.0, f64::max);
        lead += &format!(" Each trace was multiplied to fit {ladder}: by {low:.3e} to {high:.3e}.");
    }
    lead
}

/// A mean with its interval as a cell.
pub(super) fn interval(found: Estimate, digits: usize) -> Cell {
    Cell::Interval {
        value: found.mean,
        low: found.low,
        high: found.high,
        digits,
    }
}

/// The distributions of a figure: a name and values a curve, each from 0 on the left edge to 1 on
/// the right one.
pub(super) fn distribution(figure: &Figure, curves: &[(&str, Vec<f64>)]) -> Chart {
    let values = curves.iter().flat_map(|(_, values)| values);
    let finite = values.copied().filter(|value| value.is_finite());
    let low = finite.clone().fold(f64::INFINITY, f64::min);
    let high = finite.fold(f64::NEG_INFINITY, f64::max);
    let margin = match high - low {
        span if span > 0.0 => 0.03 * span,
        _ => (0.03 * high.abs()).max(1e-3),
    };
    let (low, high) = (low - margin, high + margin);
    let share = Axis::linear("share of sessions").within(0.0, 1.02);
    let x = Axis::linear(&figure.name).within(low, high);
    let mut chart = Chart::new(&figure.name, x, share);
    for (name, values) in curves {
        let mut curve = Series::distribution(*name, values);
        if !curve.points.is_empty() {
            curve.points.insert(0, (low, 0.0));
            curve.points.push((high, 1.0));
        }
        chart = chart.with(curve);
    }
    Chart {
        height: 360,
        ..chart
    }
}

fn table(sample: &Sample<'_>, figures: &[&Figure]) -> Section {
    let mut columns = vec!["rule"];
    columns.extend(figures.iter().map(|figure| figure.name.as_str()));
    columns.push("starved");
    let mut table = Table::new("Means over sessions", &columns);
    for (rule, rows) in &sample.rules {
        let mut cells = vec![Cell::text(*rule)];
        cells.extend(figures.iter().map(|figure| {
            let found = sample.estimate(rule, figure);
            interval(found, figure.digits)
        }));
        let starved = rows.iter().filter(|row| row.verdict == "starved").count();
        cells.push(Cell::Number(starved as f64, 0));
        table.rows.push(cells);
    }
    Section::new(format!("Figures: {}", short(sample.title))).with(Block::Table(table))
}

fn distributions(sample: &Sample<'_>, figures: &[&Figure]) -> Section {
    let options = figures.iter().map(|figure| {
        let curves = sample.rules.iter();
        let curves = curves.map(|(rule, rows)| (*rule, figure.values(rows)));
        let chart = distribution(figure, &curves.collect::<Vec<_>>());
        (figure.name.clone(), vec![Block::Chart(chart)])
    });
    let title = format!("Distributions: {}", short(sample.title));
    Section::new(title).with(Block::Choice(Choice {
        label: "Figure".into(),
        options: options.collect(),
    }))
}

fn against(sample: &Sample<'_>, figures: &[&Figure]) -> Section {
    let rules = &sample.rules;
    let options = figures.iter().map(|figure| {
        let rows = rules.iter().map(|(_, rows)| rows.as_slice());
        let pairs = Pairs {
            title: "One point a session".into(),
            measure: figure.name.clone(),
            names: rules.iter().map(|(rule, _)| (*rule).to_owned()).collect(),
            labels: rules.first().map_or(Vec::new(), |(_, rows)| labels(rows)),
            values: rows.map(|rows| figure.values(rows)).collect(),
        };
        (figure.name.clone(), vec![Block::Pairs(pairs)])
    });
    let title = format!("Rule against rule: {}", short(sample.title));
    Section::new(title).with(Block::Choice(Choice {
        label: "Figure".into(),
        options: options.collect(),
    }))
}

/// What each session is called where it is a point.
pub(super) fn labels(rows: &[&Row]) -> Vec<String> {
    let name = |row: &&Row| format!("{} seed {}", short(&row.trace), row.seed);
    rows.iter().map(name).collect()
}
