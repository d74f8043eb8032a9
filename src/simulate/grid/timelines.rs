//! Time lines of single sessions: network, buffer and rung.

use super::charts::{choice, short};
use super::player::Player;
use super::run::{Grid, GridError, Unit};
use super::sample::Sample;
use crate::report::html::{Axis, Band, Block, Chart, Section, Series};
use crate::simulate::qoe::{Played, Timeline};

/// Number of traces drawn, spread from the worst to the best.
const DRAWN: usize = 5;
/// Links of more periods are drawn as means.
const MOST_PERIODS: usize = 1200;

/// Relative distance of two times that stay apart in six digits.
const STEP: f64 = 2e-5;

/// Time lines of a few traces, worst to best by the mean of QoE_lin over rules.
pub(super) fn timelines(
    grid: &Grid,
    sample: &Sample<'_>,
    number: usize,
) -> Result<Section, GridError> {
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
        options.push((label(&unit), vec![rules(grid, &unit)?]));
    }
    let title = format!("Sessions: {}", short(sample.title));
    let text = "Traces from the one with the worst mean QoE_lin to the one with the best. Stalls are \
                shaded; the three charts share cursor and zoom.";
    let section = Section::new(title).text(text);
    Ok(section.with(choice("Trace", options)))
}

fn label(unit: &Unit<'_>) -> String {
    let name = short(unit.trace.name());
    format!(
        "{name}, seed {}, × {:.6}",
        unit.seed, unit.conditions.multiplier
    )
}

fn rules(grid: &Grid, unit: &Unit<'_>) -> Result<Block, GridError> {
    let mut options = Vec::new();
    for player in &grid.players {
        let timeline = grid.session(unit, player)?.timeline;
        let sync = format!("{}/{}/{}", unit.content.name, label(unit), player.name());
        let charts = charts(unit, &timeline, player, &sync);
        options.push((player.name().to_owned(), charts.map(Block::Chart).into()));
    }
    Ok(choice("Rule", options))
}

/// Network, buffer and rung over one session.
fn charts(unit: &Unit<'_>, timeline: &Timeline, player: &Player, sync: &str) -> [Chart; 3] {
    let last = timeline.played.last();
    let end_s = last.map_or(1.0, |p| p.begins_s + p.duration_s);
    let time = || Axis::linear("session time, s").within(0.0, end_s);
    let rungs = unit.content.ladder.rungs();
    let rate = steps(timeline, |p| rungs[p.rung].kbps);
    let (link, level) = (network(unit, end_s), level(timeline, end_s));
    let kbps = from_zero("kbit/s", link.iter().chain(&rate));
    let network = Chart::new("Network and what is played", time(), kbps)
        .with(Series::steps("network", link))
        .with(Series::steps("played", rate));
    let media = from_zero("media, s", level.iter());
    let buffer = Chart::new("Buffer, stalls shaded", time(), media);
    let mut buffer = buffer.with(Series::line("buffer", level));
    let stalled = timeline.played.iter().filter(|p| p.stall_s > 0.0);
    let band = |p: &Played| Band {
        from: p.begins_s - p.stall_s,
        to: p.begins_s,
    };
    buffer.bands = stalled.map(band).collect();
    let rung = rung(timeline, player, time(), rungs.len() - 1);
    [network, buffer, rung].map(|chart| Chart {
        sync: Some(sync.to_owned()),
        height: 190,
        ..chart
    })
}

/// An axis from 0 to a little above the highest of `points`.
fn from_zero<'a>(label: &str, points: impl Iterator<Item = &'a (f64, f64)>) -> Axis {
    let most = points.map(|point| point.1).fold(0.0, f64::max);
    Axis::linear(label).within(0.0, if most > 0.0 { 1.05 * most } else { 1.0 })
}

/// The rung of each segment as shown and, where it differs, as first delivered (before layers or a
/// replacement).
fn rung(timeline: &Timeline, player: &Player, time: Axis, top: usize) -> Chart {
    let (title, axis) = match player {
        Player::Layers => ("Layers", "layers on the base"),
        _ => ("Rung", "rung, 0 is lowest"),
    };
    let axis = Axis::linear(axis).within(-0.2, top as f64 + 0.2).whole();
    let shown = Series::steps("shown", steps(timeline, |p| p.rung as f64));
    let chart = Chart::new(title, time, axis).with(shown);
    if timeline.played.iter().all(|p| p.arrived_rung == p.rung) {
        return chart;
    }
    let arrived = steps(timeline, |p| p.arrived_rung as f64);
    chart.with(Series::steps("first arrived", arrived))
}

/// A value of each segment from its display on, to the end of the last.
fn steps(timeline: &Timeline, value: impl Fn(&Played) -> f64) -> Vec<(f64, f64)> {
    let played = timeline.played.iter();
    let mut points: Vec<_> = played.map(|p| (p.begins_s, value(p))).collect();
    let last = timeline.played.last();
    points.extend(last.map(|p| (p.begins_s + p.duration_s, value(p))));
    points
}

/// The link's rates, averaged over groups of periods where there are too many.
fn network(unit: &Unit<'_>, end_s: f64) -> Vec<(f64, f64)> {
    let periods = unit.link.periods(end_s);
    let group = periods.len().div_ceil(MOST_PERIODS).max(1);
    let mean = |part: &[(f64, f64, f64)]| {
        let sum: f64 = part.iter().map(|period| period.1).sum();
        (part[0].0, sum / part.len() as f64)
    };
    let mut points: Vec<_> = periods.chunks(group).map(mean).collect();
    points.extend(points.last().map(|last| (end_s, last.1)));
    points
}

/// The buffer level just before and after each arrival, and at the start of each stall.
fn level(timeline: &Timeline, end_s: f64) -> Vec<(f64, f64)> {
    let mut points = vec![(0.0, 0.0)];
    // The end of the media that has arrived.
    let mut until_s = 0.0_f64;
    for played in &timeline.played {
        if until_s > 0.0 && until_s < played.arrived_s {
            points.push((until_s, 0.0));
        }
        let before_s = (until_s - played.arrived_s).max(0.0);
        points.push((played.arrived_s, before_s));
        until_s = until_s.max(played.begins_s) + played.duration_s;
        let just_after_s = played.arrived_s + (STEP * played.arrived_s).max(1e-3);
        points.push((just_after_s, until_s - played.arrived_s));
    }
    points.push((end_s, 0.0));
    points
}
