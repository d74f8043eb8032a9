//! How soon a session makes use of its network: ramp-up and reaction, as Sabre counts them.
//!
//! Ramp-up ends when a segment plays that is at least what the network sustains at that moment. A
//! reaction begins when the network turns to sustain a rung above all that are buffered or awaited;
//! it ends when such a segment plays or the network falls back, counts a whole buffer at most, and
//! is dropped when the session ends within a buffer of its beginning.

use super::{Setting, Timeline};

/// A better network not yet shown.
struct Awaited {
    since_s: f64,
    rung: usize,
    met_s: Option<f64>,
}

/// Ramp-up and the sum of the reactions, seconds.
pub(super) fn times(timeline: &Timeline, setting: &Setting<'_>) -> (f64, f64) {
    let end_s = timeline
        .played
        .last()
        .map_or(0.0, |p| p.begins_s + p.duration_s);
    let changes = sustained(setting, end_s);
    let mut rampup_s = None;
    let mut awaited: Vec<Awaited> = Vec::new();
    let (mut next, mut now) = (0, 0);
    for played in &timeline.played {
        while let Some(&(at_s, rung)) = changes.get(next).filter(|c| c.0 <= played.begins_s) {
            turn(
                &mut awaited,
                timeline,
                setting,
                (at_s, now, rung),
                next == 0,
            );
            (next, now) = (next + 1, rung);
        }
        if played.rung >= now {
            rampup_s.get_or_insert(played.begins_s);
        }
        let met = awaited
            .iter_mut()
            .filter(|a| a.met_s.is_none() && a.rung <= played.rung);
        met.for_each(|a| a.met_s = Some(played.begins_s));
    }
    let settled = awaited
        .iter()
        .filter(|a| a.since_s < end_s - setting.buffer_s);
    let took = |a: &Awaited| {
        let took_s = a.met_s.map_or(setting.buffer_s, |met_s| met_s - a.since_s);
        took_s.min(setting.buffer_s)
    };
    let total_s = setting.ladder.total_s();
    (rampup_s.unwrap_or(total_s), super::sum(settled.map(took)))
}

/// When the network begins to sustain which rung.
fn sustained(setting: &Setting<'_>, until_s: f64) -> Vec<(f64, usize)> {
    let duration_s = setting.ladder.mean_duration_s();
    let periods = setting.link.periods(until_s);
    let rungs = periods.into_iter().map(|(at_s, kbps, latency_s)| {
        let usable = kbps * (1.0 - latency_s / duration_s);
        (at_s, setting.ladder.rung_within(usable))
    });
    let mut changes: Vec<(f64, usize)> = rungs.collect();
    changes.dedup_by_key(|change| change.1);
    changes
}

/// The network turns from one rung to another.
fn turn(
    awaited: &mut Vec<Awaited>,
    timeline: &Timeline,
    setting: &Setting<'_>,
    (at_s, before, rung): (f64, usize, usize),
    first: bool,
) {
    if first {
        return;
    }
    let unmet = awaited
        .iter_mut()
        .filter(|a| a.met_s.is_none() && a.rung > rung);
    unmet.for_each(|a| a.met_s = Some(at_s));
    let from = timeline
        .played
        .partition_point(|p| p.begins_s + p.duration_s <= at_s);
    let here = timeline.played[from..]
        .iter()
        .take_while(|p| p.arrived_s <= at_s);
    let buffered = here.map(|p| p.rung).max();
    let recent = awaited
        .iter()
        .filter(|a| a.since_s >= at_s - setting.buffer_s);
    let known = recent.map(|a| a.rung).max();
    if rung > before && buffered.is_none_or(|held| held < rung) && known.is_none_or(|k| k < rung) {
        awaited.push(Awaited {
            since_s: at_s,
            rung,
            met_s: None,
        });
    }
}
