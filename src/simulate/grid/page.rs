//! A grid as one HTML page: table, distributions, rule against rule, and time lines.

use super::sample::{FIGURES, Figure, values};
use super::{Grid, GridError, Row, Sample, Unit};
use crate::report::html::{
    Axis, Band, Block, Cell, Chart, Choice, Page, Pairs, Section, Series, Table,
};
use crate::simulate::qoe::Timeline;
use crate::simulate::statistics::bootstrap;

/// Traces whose sessions are drawn, spread from the worst to the best.
const DRAWN: usize = 5;
/// A link of more periods than this is drawn in means.
const MOST_PERIODS: usize = 1200;

/// The page of `rows`, which came of `grid` by `command`.
pub fn page(grid: &Grid, rows: &[Row], command: &str) -> Result<Page, GridError> {
    let traces = grid.traces.len();
    let lead = format!(
        "{} sessions: {} titles, {traces} traces, {} seeds, {} rules. Buffer {} s. Figures are means \
         over sessions; intervals hold 95 % of 1000 bootstrap resamples. The oracle knows the trace \
         and maximises QoE_lin. LPIPS is by segment (SqueezeNet); stalled and missing time counts 1.",
        rows.len(),
        grid.subjects.len(),
        grid.seeds,
        grid.players.len(),
        grid.options.buffer_s
    );
    let mut page = Page::new("Simulated sessions", lead);
    page.push(Section::new("Made by").with(Block::Code(command.to_owned())));
    let samples = Sample::by_title(rows);
    for (number, sample) in samples.iter().enumerate() {
        page.push(table(sample));
        page.push(distributions(sample));
        page.push(against(sample));
        page.push(sessions(grid, sample, number)?);
    }
    Ok(page)
}

/// The figures that at least one row has.
fn present<'a>(sample: &'a Sample<'_>) -> impl Iterator<Item = &'static Figure> + 'a {
    let known = |figure: &&Figure| {
        let mut rows = sample.rules.iter().flat_map(|(_, rows)| rows);
        rows.any(|row| (figure.of)(&row.figures).is_some())
    };
    FIGURES.iter().filter(known)
}

fn table(sample: &Sample<'_>) -> Section {
    let mut columns = vec!["rule"];
    columns.extend(present(sample).map(|figure| figure.name));
    columns.push("starved");
    let mut table = Table::new("Means over sessions", &columns);
    for (rule, rows) in &sample.rules {
        let mut cells = vec![Cell::text(*rule)];
        for figure in present(sample) {
            let found = bootstrap(&values(figure, rows), 1);
            cells.push(Cell::Interval {
                value: found.mean,
                low: found.low,
                high: found.high,
                digits: figure.digits,
            });
        }
        let starved = rows.iter().filter(|row| row.verdict == "starved").count();
        cells.push(Cell::Number(starved as f64, 0));
        table.rows.push(cells);
    }
    Section::new(format!("Figures: {}", sample.title)).with(Block::Table(table))
}

fn distributions(sample: &Sample<'_>) -> Section {
    let mut options = Vec::new();
    for figure in present(sample) {
        let share = Axis::linear("share of sessions").within(0.0, 1.0);
        let mut chart = Chart::new(figure.name, Axis::linear(figure.name), share);
        chart.height = 360;
        for (rule, rows) in &sample.rules {
            chart = chart.with(Series::distribution(*rule, &values(figure, rows)));
        }
        options.push((figure.name.to_owned(), vec![Block::Chart(chart)]));
    }
    Section::new(format!("Distributions: {}", sample.title)).with(Block::Choice(Choice {
        label: "Figure".into(),
        options,
    }))
}

fn against(sample: &Sample<'_>) -> Section {
    let labels = sample.rules.first().map_or(Vec::new(), |(_, rows)| {
        let name = |row: &&Row| format!("{} seed {}", short(&row.trace), row.seed);
        rows.iter().map(name).collect()
    });
    let pairs = Pairs {
        title: "One point a session".into(),
        measure: FIGURES[0].name.into(),
        names: sample
            .rules
            .iter()
            .map(|(rule, _)| (*rule).to_owned())
            .collect(),
        labels,
        values: sample
            .rules
            .iter()
            .map(|(_, rows)| values(&FIGURES[0], rows))
            .collect(),
    };
    Section::new(format!("Rule against rule: {}", sample.title)).with(Block::Pairs(pairs))
}

/// Time lines of a few traces, worst to best by the mean of QoE_lin over rules.
fn sessions(grid: &Grid, sample: &Sample<'_>, number: usize) -> Result<Section, GridError> {
    let units = grid.traces.len() * grid.seeds as usize;
    let mean = |unit: usize| {
        let of_unit = sample.rules.iter().filter_map(|(_, rows)| rows.get(unit));
        of_unit.map(|row| row.figures.qoe_lin).sum::<f64>()
    };
    let mut order: Vec<usize> = (0..units).collect();
    order.sort_by(|a, b| mean(*a).total_cmp(&mean(*b)));
    let drawn = DRAWN.min(units);
    let mut options = Vec::new();
    for place in 0..drawn {
        let unit = order[place * (units - 1) / (drawn - 1).max(1)];
        let unit = grid.unit(number * units + unit)?;
        options.push((label(&unit), vec![Block::Choice(rules(grid, &unit)?)]));
    }
    let title = format!("Sessions: {}", sample.title);
    let text = "Traces from the one with the worst mean QoE_lin to the one with the best. Stalls are \
                shaded; the three charts share cursor and zoom.";
    Ok(Section::new(title).text(text).with(Block::Choice(Choice {
        label: "Trace".into(),
        options,
    })))
}

fn label(unit: &Unit<'_>) -> String {
    let name = short(unit.trace.name());
    format!(
        "{name}, seed {}, × {:.4}",
        unit.seed, unit.conditions.multiplier
    )
}

/// The last two parts of a path.
fn short(path: &str) -> &str {
    let slashes = path.rmatch_indices('/').nth(1);
    slashes.map_or(path, |(at, _)| &path[at + 1..])
}

fn rules(grid: &Grid, unit: &Unit<'_>) -> Result<Choice, GridError> {
    let mut options = Vec::new();
    for player in &grid.players {
        let (timeline, _) = grid.session(unit, player)?;
        let sync = format!("{}/{}/{}", unit.subject.name, label(unit), player.name());
        let charts = charts(unit, &timeline, &sync);
        options.push((player.name().to_owned(), charts.map(Block::Chart).into()));
    }
    Ok(Choice {
        label: "Rule".into(),
        options,
    })
}

/// Network, buffer and rung over one session.
fn charts(unit: &Unit<'_>, timeline: &Timeline, sync: &str) -> [Chart; 3] {
    let end_s = timeline
        .played
        .last()
        .map_or(1.0, |p| p.begins_s + p.duration_s);
    let time = || Axis::linear("s").within(0.0, end_s);
    let rungs = unit.subject.ladder.rungs();
    let rate = timeline
        .played
        .iter()
        .map(|p| (p.begins_s, rungs[p.rung].kbps));
    let mut rate: Vec<(f64, f64)> = rate.collect();
    rate.extend(rate.last().map(|last| (end_s, last.1)));
    let network = Chart::new("Network and what is played", time(), Axis::linear("kbit/s"))
        .with(Series::steps("network", network(unit, end_s)))
        .with(Series::steps("played", rate));
    let mut buffer = Chart::new("Buffer", time(), Axis::linear("s"))
        .with(Series::line("buffer", level(timeline, end_s)));
    let stalled = timeline.played.iter().filter(|p| p.stall_s > 0.0);
    buffer.bands = stalled
        .map(|p| Band {
            from: p.begins_s - p.stall_s,
            to: p.begins_s,
        })
        .collect();
    let mut rung: Vec<(f64, f64)> = timeline
        .played
        .iter()
        .map(|p| (p.begins_s, p.rung as f64))
        .collect();
    rung.extend(rung.last().map(|last| (end_s, last.1)));
    let top = (rungs.len() - 1) as f64;
    let rung = Chart::new("Rung", time(), Axis::linear("rung").within(-0.2, top + 0.2))
        .with(Series::steps("rung", rung));
    [network, buffer, rung].map(|chart| Chart {
        sync: Some(sync.to_owned()),
        height: 190,
        ..chart
    })
}

/// The link's rates, in means where there are too many.
fn network(unit: &Unit<'_>, end_s: f64) -> Vec<(f64, f64)> {
    let periods = unit.link.periods(end_s);
    let group = periods.len().div_ceil(MOST_PERIODS).max(1);
    let mut points: Vec<(f64, f64)> = periods
        .chunks(group)
        .map(|part| {
            let sum: f64 = part.iter().map(|period| period.1).sum();
            (part[0].0, sum / part.len() as f64)
        })
        .collect();
    points.extend(points.last().map(|last| (end_s, last.1)));
    points
}

/// The buffer's level just before and after each arrival.
fn level(timeline: &Timeline, end_s: f64) -> Vec<(f64, f64)> {
    let mut points = vec![(0.0, 0.0)];
    // Until when what has arrived will last.
    let mut until_s = 0.0_f64;
    for played in &timeline.played {
        let before_s = (until_s - played.arrived_s).max(0.0);
        points.push((played.arrived_s, before_s));
        until_s = until_s.max(played.begins_s) + played.duration_s;
        points.push((played.arrived_s + 1e-3, until_s - played.arrived_s));
    }
    points.push((end_s, 0.0));
    points
}
