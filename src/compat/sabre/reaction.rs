//! Ramp-up and reaction times of a timeline, by Sabre's definitions.
//!
//! Ramp-up ends when the first segment plays whose rung is at least the one sustained at that moment.
//! A reaction starts when the network begins to sustain a rung above all that are buffered or awaited.
//! It ends when such a segment plays or the network falls back; it counts at most a whole buffer, and
//! is dropped if the session ends within a buffer of its start.

use crate::simulate::qoe::{Played, Setting, Timeline};
use crate::simulate::statistics::sum;

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
            if next > 0 {
                settle(&mut awaited, at_s, |awaited| awaited.rung > rung);
                if rung > now && is_news(&awaited, timeline, setting.buffer_s, at_s, rung) {
                    let (since_s, met_s) = (at_s, None);
                    awaited.push(Awaited {
                        since_s,
                        rung,
                        met_s,
                    });
                }
            }
            (next, now) = (next + 1, rung);
        }
        if played.rung >= now {
            rampup_s.get_or_insert(played.begins_s);
        }
        settle(&mut awaited, played.begins_s, |awaited| {
            awaited.rung <= played.rung
        });
    }
    let settled = awaited
        .iter()
        .filter(|a| a.since_s < end_s - setting.buffer_s);
    let took = |a: &Awaited| {
        let took_s = a.met_s.map_or(setting.buffer_s, |met_s| met_s - a.since_s);
        took_s.min(setting.buffer_s)
    };
    let total_s = setting.ladder.total_s();
    (rampup_s.unwrap_or(total_s), sum(settled.map(took)))
}

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

/// Ends at `at_s` the open reactions that are `met`.
fn settle(awaited: &mut [Awaited], at_s: f64, met: impl Fn(&Awaited) -> bool) {
    for awaited in awaited {
        if awaited.met_s.is_none() && met(awaited) {
            awaited.met_s = Some(at_s);
        }
    }
}

/// Whether `rung` is above all rungs that are buffered or awaited at `at_s`.
fn is_news(
    awaited: &[Awaited],
    timeline: &Timeline,
    buffer_s: f64,
    at_s: f64,
    rung: usize,
) -> bool {
    let ended = |p: &Played| p.begins_s + p.duration_s <= at_s;
    let from = timeline.played.partition_point(ended);
    let here = timeline.played[from..].iter();
    let buffered = here.take_while(|p| p.arrived_s <= at_s);
    let recent = awaited.iter().filter(|a| a.since_s >= at_s - buffer_s);
    buffered.map(|p| p.rung).max() < Some(rung) && recent.map(|a| a.rung).max() < Some(rung)
}
