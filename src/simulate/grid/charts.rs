//! Charts of figures over sessions: distributions and scatters.

use super::run::Row;
use super::sample::{Figure, Sample};
use crate::report::html::{Axis, Block, Chart, Choice, Pairs, Series};

pub(super) fn short(path: &str) -> &str {
    let slashes = path.rmatch_indices('/').nth(1);
    slashes.map_or(path, |(at, _)| &path[at + 1..])
}

pub(super) fn by_figure<'a>(
    figures: &[&'a Figure],
    blocks: impl Fn(&'a Figure) -> Vec<Block>,
) -> Block {
    let options = figures
        .iter()
        .map(|&figure| (figure.name.clone(), blocks(figure)));
    choice("Figure", options.collect())
}

pub(super) fn choice(label: &str, options: Vec<(String, Vec<Block>)>) -> Block {
    Block::Choice(Choice {
        label: label.into(),
        options,
    })
}

/// The distribution of a figure, a curve per name; every curve spans the whole axis, from 0 to 1.
pub(super) fn distribution(figure: &Figure, curves: Vec<(&str, Vec<f64>)>) -> Block {
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
        let mut curve = Series::distribution(name, &values);
        if !curve.points.is_empty() {
            curve.points.insert(0, (low, 0.0));
            curve.points.push((high, 1.0));
        }
        chart = chart.with(curve);
    }
    chart.height = 360;
    Block::Chart(chart)
}

/// A figure of each title under each rule against any other, a point per session. The first rule's
/// titles lead: the page shows the first two columns at first.
pub(super) fn scatter(samples: &[Sample<'_>], figure: &Figure) -> Block {
    let rules = samples.first().map_or(&[][..], |sample| &sample.rules);
    let mut pairs = Pairs {
        title: "One point per session".into(),
        measure: figure.name.clone(),
        names: Vec::new(),
        labels: rules.first().map_or(Vec::new(), |(_, rows)| labels(rows)),
        values: Vec::new(),
    };
    for (rule, _) in rules {
        for sample in samples {
            pairs.names.push(match samples.len() {
                1 => (*rule).to_owned(),
                _ => format!("{}, {rule}", short(sample.title)),
            });
            pairs.values.push(figure.values(sample.rows(rule)));
        }
    }
    Block::Pairs(pairs)
}

fn labels(rows: &[&Row]) -> Vec<String> {
    let name = |row: &&Row| format!("{} seed {}", short(&row.trace), row.seed);
    rows.iter().map(name).collect()
}
