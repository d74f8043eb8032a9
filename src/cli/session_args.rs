//! Arguments that `play` and `simulate` share.

use super::{CliError, json_line};
use crate::player::abr::Abr;
use crate::player::compute::{Compute, Model};
use crate::player::ladder::Ladder;
use crate::player::session::{Guards, Options};
use crate::player::throughput::Estimator;
use crate::report::Report;
use std::ops::RangeInclusive;

/// Ranges of numbers.
pub(super) const NOT_NEGATIVE: RangeInclusive<f64> = 0.0..=f64::MAX;
const SECONDS: &str = "seconds, 0 or more";

/// A parser of numbers in `range`, described by `expected`.
pub(super) fn number(
    range: RangeInclusive<f64>,
    expected: &str,
) -> impl Fn(&str) -> Result<f64, String> + Clone + use<> {
    let expected = format!("expected {expected}");
    move |text| {
        let value = text.parse().ok().filter(|value| range.contains(value));
        value.ok_or_else(|| expected.clone())
    }
}

/// A parser of factors of a trace's rates.
pub(super) fn multiplier(text: &str) -> Result<f64, String> {
    number(f64::MIN_POSITIVE..=1e6, "a number above 0, at most 1000000")(text)
}

/// How the session is set up.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SessionArgs {
    /// Rule that picks the rung: throughput, bba0, bba2, bola-basic, bola-u, bola-o, bola-e, dynamic,
    /// robust-mpc, stochastic-mpc, festive, l2a, lol+ or fixed [default: dynamic].
    #[arg(long, value_name = "NAME")]
    abr: Option<Abr>,
    /// Rung for --abr fixed, counted from 0, the lowest.
    #[arg(long, value_name = "N")]
    rung: Option<usize>,
    /// Seconds of media to keep in the buffer; at least two segments are kept.
    #[arg(long, value_name = "S", default_value_t = Options::default().buffer_s,
        value_parser = number(NOT_NEGATIVE, SECONDS))]
    buffer: f64,
    /// Media time to start at, in seconds.
    #[arg(long, value_name = "S", default_value_t = 0.0, value_parser = number(NOT_NEGATIVE, SECONDS))]
    start: f64,
    /// Throughput estimator: ewma, ewma-low, harmonic, mean or percentile.
    #[arg(long, value_name = "NAME", default_value_t = Estimator::default())]
    estimator: Estimator,
    /// Seed of the rules that use chance (festive, lol+).
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    guards: GuardArgs,
    #[command(flatten)]
    compute: ComputeArgs,
}

/// Guards over the rule.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Guards")]
struct GuardArgs {
    /// Disable the guard that lowers the rung when the segment might arrive after the buffer is empty.
    #[arg(long)]
    no_buffer_guard: bool,
    /// Disable the guard that abandons transfers which are too slow.
    #[arg(long)]
    no_abandon: bool,
    /// Fetch buffered segments of a low rung again when a higher rung is chosen (fast switching).
    #[arg(long)]
    replace: bool,
    /// Avoid rungs that were often left for lower ones.
    #[arg(long)]
    switch_history: bool,
    /// Disable the guard that avoids rungs which this device may not generate in real time.
    #[arg(long)]
    no_decode_guard: bool,
}

/// A device to decode and generate on; without --ms-per-frame that takes no time, or, where `play`
/// renders, the time that it really takes.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Simulated device")]
struct ComputeArgs {
    /// Milliseconds that a frame takes to generate.
    #[arg(long, value_name = "MS", value_parser = number(0.0..=60e3, "0 to 60000 ms"))]
    ms_per_frame: Option<f64>,
    /// More for every rung above the lowest, milliseconds a frame.
    #[arg(long, value_name = "MS", default_value_t = 0.0, requires = "ms_per_frame",
        value_parser = number(0.0..=60e3, "0 to 60000 ms"))]
    ms_per_rung: f64,
    /// Frames shown a second.
    #[arg(long, value_name = "N", default_value_t = 30.0, requires = "ms_per_frame",
        value_parser = number(0.1..=1e3, "0.1 to 1000 frames a second"))]
    frame_rate: f64,
    /// Random variation of the generation time per segment: 0.1 is ±10 %.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, requires = "ms_per_frame",
        value_parser = number(0.0..=1.0, "0 to 1"))]
    compute_spread: f64,
}

impl GuardArgs {
    fn guards(self) -> Guards {
        Guards {
            insufficient_buffer: !self.no_buffer_guard,
            abandonment: !self.no_abandon,
            replacement: self.replace,
            switch_history: self.switch_history,
            decode_time: !self.no_decode_guard,
        }
    }
}

impl ComputeArgs {
    fn compute(self) -> Option<Compute> {
        Some(Compute::Modelled(Model {
            ms_per_frame: self.ms_per_frame?,
            fps: self.frame_rate,
            ms_per_rung: self.ms_per_rung,
            spread: self.compute_spread,
            ..Model::default()
        }))
    }
}

impl SessionArgs {
    /// The session's options, checked against what there is to play.
    pub(super) fn options(&self, ladder: &Ladder) -> Result<Options, CliError> {
        let (start_s, total_s) = (self.start, ladder.total_s());
        if start_s >= total_s {
            let message = format!("--start {start_s}: the title lasts {total_s} s");
            return Err(CliError::input(message));
        }
        Ok(Options {
            abr: self.rule(ladder)?,
            buffer_s: self.buffer,
            start_s,
            estimator: self.estimator,
            seed: self.seed,
            guards: self.guards.guards(),
            compute: self.compute.compute(),
        })
    }

    /// Whether a rule was asked for by name.
    pub(super) fn names_a_rule(&self) -> bool {
        self.abr.is_some()
    }

    fn rule(&self, ladder: &Ladder) -> Result<Abr, CliError> {
        let top = ladder.top();
        match (self.abr.unwrap_or_default(), self.rung) {
            (Abr::Fixed(_), Some(rung)) if rung > top => {
                let message = format!("--rung {rung}: the title has rungs 0 to {top}");
                Err(CliError::input(message))
            }
            (Abr::Fixed(lowest), rung) => Ok(Abr::Fixed(rung.unwrap_or(lowest))),
            (_, Some(_)) => Err(CliError::input("--rung goes with --abr fixed only")),
            (rule, None) => Ok(rule),
        }
    }
}

/// Prints a report: text on stderr, and one line of JSON on stdout when asked for.
pub(super) fn print(report: &Report, json: bool) -> Result<(), CliError> {
    eprint!("{}", report.text());
    if json {
        json_line::print(report)?;
    }
    Ok(())
}
