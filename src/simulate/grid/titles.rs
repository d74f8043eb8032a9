//! The section that sets titles side by side: one table, the differences to the first title session
//! by session, a distribution and a scatter a figure. Titles saw the same networks only if traces
//! were not fitted to each.

use super::Sample;
use super::page::{distribution, interval, labels};
use super::sample::{Figure, LPIPS};
use super::sessions::short;
use crate::report::html::{Block, Cell, Choice, Pairs, Section, Table};

/// The section; the first of `samples` is the one that others are held against.
pub(super) fn side_by_side(samples: &[Sample<'_>], figures: &[Figure]) -> Section {
    let known = |figure: &&Figure| samples.iter().any(|sample| sample.has(figure));
    let mut figures: Vec<&Figure> = figures.iter().filter(known).collect();
    // Rates differ by title: what was seen comes first.
    figures.sort_by_key(|figure| !figure.name.contains(LPIPS));
    let mut section =
        Section::new("Titles side by side").with(Block::Table(means(samples, &figures)));
    if let Some((first, others)) = samples.split_first() {
        section = section.with(Block::Table(differences(first, others, &figures)));
    }
    let options = figures.iter().map(|figure| {
        let blocks = vec![curves(samples, figure), scatter(samples, figure)];
        (figure.name.clone(), blocks)
    });
    section.with(Block::Choice(Choice {
        label: "Figure".into(),
        options: options.collect(),
    }))
}

fn means(samples: &[Sample<'_>], figures: &[&Figure]) -> Table {
    let mut columns = vec!["title", "rule"];
    columns.extend(figures.iter().map(|figure| figure.name.as_str()));
    let mut table = Table::new("Means over sessions", &columns);
    for sample in samples {
        for (rule, _) in &sample.rules {
            let mut cells = vec![Cell::text(short(sample.title)), Cell::text(*rule)];
            let found = figures
                .iter()
                .map(|figure| interval(sample.estimate(rule, figure), figure.digits));
            cells.extend(found);
            table.rows.push(cells);
        }
    }
    table
}

fn differences(first: &Sample<'_>, others: &[Sample<'_>], figures: &[&Figure]) -> Table {
    let caption = format!(
        "{} minus the other, mean over the same sessions",
        short(first.title)
    );
    let mut columns = vec!["other title", "rule"];
    columns.extend(figures.iter().map(|figure| figure.name.as_str()));
    let mut table = Table::new(caption, &columns);
    for other in others {
        for (rule, _) in &first.rules {
            let mut cells = vec![Cell::text(short(other.title)), Cell::text(*rule)];
            let found = figures
                .iter()
                .map(|figure| interval(first.difference(other, rule, figure), figure.digits));
            cells.extend(found);
            table.rows.push(cells);
        }
    }
    table
}

/// A distribution a rule, with a curve a title.
fn curves(samples: &[Sample<'_>], figure: &Figure) -> Block {
    let rules = samples.first().map_or(&[][..], |sample| &sample.rules);
    let of_rule = |rule: &str| {
        let curves = samples.iter();
        let curves = curves.map(|sample| (short(sample.title), figure.values(sample.rows(rule))));
        Block::Chart(distribution(figure, &curves.collect::<Vec<_>>()))
    };
    match rules {
        [(only, _)] => of_rule(only),
        _ => Block::Choice(Choice {
            label: "Rule".into(),
            options: rules
                .iter()
                .map(|(rule, _)| ((*rule).to_owned(), vec![of_rule(rule)]))
                .collect(),
        }),
    }
}

/// Any title under any rule against any other.
fn scatter(samples: &[Sample<'_>], figure: &Figure) -> Block {
    let rules = samples.first().map_or(&[][..], |sample| &sample.rules);
    let mut pairs = Pairs {
        title: "One point a session".into(),
        measure: figure.name.clone(),
        names: Vec::new(),
        labels: rules.first().map_or(Vec::new(), |(_, rows)| labels(rows)),
        values: Vec::new(),
    };
    // The first rule's titles come first, for the first two are shown.
    for (rule, _) in rules {
        for sample in samples {
            pairs.names.push(format!("{}, {rule}", short(sample.title)));
            pairs.values.push(figure.values(sample.rows(rule)));
        }
    }
    Block::Pairs(pairs)
}
