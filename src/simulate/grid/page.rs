//! A grid as one HTML page: titles side by side, and for each title a table, distributions, rule
//! against rule, and time lines.

use super::charts::{by_figure, choice, distribution, scatter, short};
use super::run::{Grid, GridError, Row};
use super::sample::{Figure, LPIPS, Sample, figures};
use super::tables::{self, differences, means, of_title};
use super::timelines::timelines;
use crate::report::html::{Block, Cell, Page, Section, Table};

/// The page of `rows`, the result of `grid`; `command` is shown as its origin.
pub fn page(grid: &Grid, rows: &[Row], command: &str) -> Result<Page, GridError> {
    let mut page = Page::new("Simulated sessions", lead(grid, rows));
    page.push(Section::new("Made by").with(Block::Code(command.to_owned())));
    let samples = Sample::by_title(rows);
    let figures = figures(&grid.thresholds);
    if samples.len() > 1 {
        page.push(side_by_side(&samples, &figures));
    }
    for (number, sample) in samples.iter().enumerate() {
        let known = figures.iter().filter(|figure| sample.has(figure));
        let known: Vec<&Figure> = known.collect();
        let section = |what: &str| Section::new(format!("{what}: {}", short(sample.title)));
        page.push(section("Figures").with(Block::Table(with_starved(sample, &known))));
        let curves = by_figure(&known, |figure| {
            let curves = sample.rules.iter();
            let curves = curves.map(|(rule, rows)| (*rule, figure.values(rows)));
            vec![distribution(figure, curves.collect())]
        });
        page.push(section("Distributions").with(curves));
        if sample.rules.len() > 1 {
            let one = std::slice::from_ref(sample);
            let pairs = by_figure(&known, |figure| vec![scatter(one, figure)]);
            page.push(section("Rule against rule").with(pairs));
        }
        page.push(timelines(grid, sample, number)?);
    }
    Ok(page)
}

fn lead(grid: &Grid, rows: &[Row]) -> String {
    let counted = |count: usize, noun: &str| match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    };
    let mut lead = format!(
        "{}: {}, {}, {}, {}. Buffer {} s. Figures are means over sessions; intervals hold 95 % of \
         1000 bootstrap resamples. LPIPS is by \
         segment (SqueezeNet); stalled and missing time counts 1. Bytes are those of media segments.",
        counted(rows.len(), "session"),
        counted(grid.contents.len(), "title"),
        counted(grid.traces.len(), "trace"),
        counted(grid.seeds as usize, "seed"),
        counted(grid.players.len(), "rule"),
        grid.options.buffer_s
    );
    if grid.oracle_plans.is_some() {
        lead += " The oracle knows the trace and maximises QoE_lin.";
    }
    if let Some(fitted) = tables::fitted(grid, rows) {
        lead += &format!(" {fitted}");
    }
    lead
}

fn with_starved(sample: &Sample<'_>, figures: &[&Figure]) -> Table {
    let mut table = of_title("Means over sessions", sample, figures);
    table.columns.push("starved".to_owned());
    for (cells, (_, rows)) in table.rows.iter_mut().zip(&sample.rules) {
        let starved = rows.iter().filter(|row| row.verdict == "starved").count();
        cells.push(Cell::Number(starved as f64, 0));
    }
    table
}

/// Titles beside each other. They saw the same networks unless traces were fitted to each.
fn side_by_side(samples: &[Sample<'_>], figures: &[Figure]) -> Section {
    let known = |figure: &&Figure| samples.iter().any(|sample| sample.has(figure));
    let mut figures: Vec<&Figure> = figures.iter().filter(known).collect();
    // Rates differ by title: what is seen comes first.
    figures.sort_by_key(|figure| !figure.name.contains(LPIPS));
    let table = means("Means over sessions", samples, &figures);
    let mut section = Section::new("Titles side by side").with(Block::Table(table));
    if let Some((first, others)) = samples.split_first() {
        section = section.with(Block::Table(differences(first, others, &figures)));
    }
    section.with(by_figure(&figures, |figure| {
        vec![curves(samples, figure), scatter(samples, figure)]
    }))
}

/// The distribution of a figure by rule, with a curve per title.
fn curves(samples: &[Sample<'_>], figure: &Figure) -> Block {
    let rules = samples.first().map_or(&[][..], |sample| &sample.rules);
    let of_rule = |rule: &str| {
        let curves = samples.iter();
        let curves = curves.map(|sample| (short(sample.title), figure.values(sample.rows(rule))));
        distribution(figure, curves.collect())
    };
    if let [(only, _)] = rules {
        return of_rule(only);
    }
    let options = rules.iter();
    let options = options.map(|(rule, _)| ((*rule).to_owned(), vec![of_rule(rule)]));
    choice("Rule", options.collect())
}
