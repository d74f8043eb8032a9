//! Sabre's timeline in the simulator's terms, and Sabre's figures of any timeline.

use super::options::Options;
use super::record::Decision;
use super::{reaction, session};
use crate::compat::CompatError;
use crate::simulate::grid::Player;
use crate::simulate::movie::Movie;
use crate::simulate::qoe::{Played, Setting, TICK_S, Timeline};
use crate::simulate::statistics::{ratio, sum};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Sabre's default weight of a stall, in units of utility.
const GAMMA_P: f64 = 5.0;

#[derive(Debug, Clone, Copy)]
struct Arrival {
    segment: usize,
    rung: usize,
    at_s: f64,
    bytes: u64,
}

/// Sabre as a player: a rule, with `+` in front of each further option, such as `bola+ao`.
pub fn player(rule: &str) -> Result<Player, CompatError> {
    let options: Options = format!("-a {}", rule.replace('+', " -")).parse()?;
    let play = move |movie: &Movie, trace: &_, multiplier: f64, buffer_s: f64| {
        let options = Options {
            multiplier: options.multiplier * multiplier,
            buffer_s,
            ..options.clone()
        };
        match session::run(trace, movie, &options) {
            Ok(session) => Ok(Some(timeline(&session.decisions, movie))),
            Err(CompatError::Starved { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    };
    Ok(Player::other(format!("sabre:{rule}"), Arc::new(play)))
}

/// The timeline of a re-enacted session without seeks.
pub fn timeline(decisions: &[Decision], movie: &Movie) -> Timeline {
    let bytes_of = |row: &Decision| (row.downloaded_bits / 8.0).ceil() as u64;
    let whole = decisions.iter().filter(|row| row.abandon_to.is_none());
    let arrival = |row: &Decision| {
        Some(Arrival {
            segment: usize::try_from(row.segment).ok()?,
            rung: row.quality,
            at_s: row.network_clock_ms / 1000.0,
            bytes: bytes_of(row),
        })
    };
    let arrivals: Vec<Arrival> = whole.filter_map(arrival).collect();
    let bytes = decisions.iter().map(bytes_of).sum();
    let mut timeline = of_arrivals(&arrivals, bytes, movie.segment_ms() / 1000.0);
    timeline.requests = decisions.len();
    timeline.abandoned = decisions.len() - arrivals.len();
    let pairs = decisions.windows(2).map(|pair| {
        let found = pair[1].downloaded_bits / (pair[1].time_ms - pair[1].ttfb_ms);
        (pair[0].est_throughput_kbps, found)
    });
    timeline.estimates = pairs.collect();
    timeline
}

/// A segment starts once the one before has ended and it has arrived; of several arrivals of a segment
/// the last one in time is shown.
fn of_arrivals(arrivals: &[Arrival], bytes: u64, duration_s: f64) -> Timeline {
    let mut timeline = Timeline {
        bytes,
        ..Timeline::default()
    };
    let mut firsts: Vec<&Arrival> = arrivals.iter().collect();
    // Stable: of equal segments the earliest stays first.
    firsts.sort_by_key(|arrival| arrival.segment);
    let mut free_s = None;
    let mut useful = 0;
    for same in firsts.chunk_by(|a, b| a.segment == b.segment) {
        let first = same[0];
        let due_s = free_s.unwrap_or(first.at_s);
        let late_s = first.at_s - due_s;
        let stall_s = if late_s > TICK_S { late_s } else { 0.0 };
        let begins_s = due_s + stall_s;
        let in_time = same.iter().rev().find(|a| a.at_s <= begins_s + TICK_S);
        let shown = in_time.unwrap_or(&same[0]);
        useful += shown.bytes;
        timeline.played.push(Played {
            segment: first.segment,
            rung: shown.rung,
            arrived_rung: first.rung,
            arrived_s: first.at_s,
            begins_s,
            stall_s,
            duration_s,
        });
        free_s = Some(begins_s + duration_s);
    }
    timeline.startup_s = timeline.played.first().map_or(0.0, |first| first.begins_s);
    timeline.wasted_bytes = bytes.saturating_sub(useful);
    timeline
}

/// Sabre's figures of a session of any player: `time average …` as `utility`, `bitrate`, `rebuffer`,
/// `rebuffer_events`, `bitrate_change`, `log_bitrate_change` and `score`; play time, errors of the
/// throughput estimate, ramp-up and reaction times. Units are seconds and kbit/s.
pub fn figures(timeline: &Timeline, setting: &Setting<'_>) -> Map<String, Value> {
    let (played, rungs) = (&timeline.played, setting.ladder.rungs());
    let chunk_s = setting.ladder.mean_duration_s();
    let stall_s = sum(played.iter().map(|p| p.stall_s));
    let stalls = played.iter().filter(|p| p.stall_s > 0.0).count();
    let play_time_s = timeline.startup_s + timeline.played_s() + stall_s;
    let per_chunk = ratio(chunk_s, play_time_s);
    let kbps = |rung: usize| rungs[rung].kbps;
    let log = |rung: usize| (kbps(rung) / kbps(0)).ln();
    let changes = |value: &dyn Fn(usize) -> f64| {
        let pairs = played.windows(2);
        sum(pairs.map(|p| (value(p[1].rung) - value(p[0].rung)).abs()))
    };
    let utility = sum(played.iter().map(|p| log(p.rung)));
    let errors = timeline.estimates.iter();
    let errors = errors.map(|(estimate, found)| estimate - found);
    let (over, leq): (Vec<f64>, Vec<f64>) = errors.clone().partition(|error| *error > 0.0);
    let mean = |errors: &[f64]| ratio(sum(errors.iter().copied()), errors.len() as f64);
    let (rampup_s, reaction_s) = reaction::times(timeline, setting);
    let bitrate = sum(played.iter().map(|p| kbps(p.rung)));
    let score = utility - GAMMA_P * (stall_s / chunk_s);
    let figures: [(&str, Value); 15] = [
        ("play_time_s", play_time_s.into()),
        ("utility", (utility * per_chunk).into()),
        ("bitrate", (bitrate * per_chunk).into()),
        ("rebuffer", (stall_s * per_chunk).into()),
        ("rebuffer_events", (stalls as f64 * per_chunk).into()),
        ("bitrate_change", (changes(&kbps) * per_chunk).into()),
        ("log_bitrate_change", (changes(&log) * per_chunk).into()),
        ("score", (score * per_chunk).into()),
        ("over_estimates", over.len().into()),
        ("over_estimate_kbps", mean(&over).into()),
        ("leq_estimates", leq.len().into()),
        ("leq_estimate_kbps", mean(&leq).abs().into()),
        ("estimate_kbps", mean(&errors.collect::<Vec<_>>()).into()),
        ("rampup_s", rampup_s.into()),
        ("reaction_s", reaction_s.into()),
    ];
    let figures = figures.map(|(name, value)| (name.to_owned(), value));
    Map::from_iter(figures)
}
