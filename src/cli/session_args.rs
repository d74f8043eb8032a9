//! Arguments that `play` and `simulate` share.

use super::{CliError, json_line};
use crate::player::abr::Abr;
use crate::player::compute::{Compute, Model};
use crate::player::ladder::Ladder;
use crate::player::session::{Guards, Options};
use crate::player::throughput::Estimator;
use crate::report::Report;

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
    #[arg(long, value_name = "S", default_value_t = Options::default().buffer_s)]
    buffer: f64,
    /// Media time to start at, in seconds.
    #[arg(long, value_name = "S", default_value_t = 0.0)]
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

/// What may overrule the rule.
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
    #[arg(long, value_name = "MS")]
    ms_per_frame: Option<f64>,
    /// More for every rung above the lowest, milliseconds a frame.
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 0.0,
        requires = "ms_per_frame"
    )]
    ms_per_rung: f64,
    /// Frames shown a second.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 30.0,
        requires = "ms_per_frame"
    )]
    frame_rate: f64,
    /// Random variation of the generation time per segment: 0.1 is ±10 %.
    #[arg(
        long,
        value_name = "SHARE",
        default_value_t = 0.1,
        requires = "ms_per_frame"
    )]
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
    fn compute(self) -> Result<Option<Compute>, CliError> {
        let Some(ms_per_frame) = self.ms_per_frame else {
            return Ok(None);
        };
        let ms = [ms_per_frame, self.ms_per_rung];
        if !ms.iter().all(|ms| (0.0..=60_000.0).contains(ms)) {
            return Err(CliError::input(
                "--ms-per-frame, --ms-per-rung: expected 0 to 60000 ms",
            ));
        }
        if !(0.1..=1000.0).contains(&self.frame_rate) {
            return Err(CliError::input(
                "--frame-rate: expected 0.1 to 1000 frames a second",
            ));
        }
        if !(0.0..=1.0).contains(&self.compute_spread) {
            return Err(CliError::input("--compute-spread: expected 0 to 1"));
        }
        Ok(Some(Compute::Modelled(Model {
            fps: self.frame_rate,
            ms_per_frame,
            ms_per_rung: self.ms_per_rung,
            spread: self.compute_spread,
            ..Model::default()
        })))
    }
}

impl SessionArgs {
    /// The session's options, checked against what there is to play.
    pub(super) fn options(&self, ladder: &Ladder) -> Result<Options, CliError> {
        let not_negative = |name: &str, value: f64| {
            if value.is_finite() && value >= 0.0 {
                Ok(value)
            } else {
                Err(CliError::input(format!(
                    "--{name} {value}: expected seconds, 0 or more"
                )))
            }
        };
        let start_s = not_negative("start", self.start)?;
        if start_s >= ladder.total_s() {
            let message = format!("--start {start_s}: the title lasts {} s", ladder.total_s());
            return Err(CliError::input(message));
        }
        Ok(Options {
            abr: self.rule(ladder)?,
            buffer_s: not_negative("buffer", self.buffer)?,
            start_s,
            estimator: self.estimator,
            seed: self.seed,
            guards: self.guards.guards(),
            compute: self.compute.compute()?,
        })
    }

    /// Whether a rule was asked for by name.
    pub(super) fn names_a_rule(&self) -> bool {
        self.abr.is_some()
    }

    fn rule(&self, ladder: &Ladder) -> Result<Abr, CliError> {
        match (self.abr.unwrap_or_default(), self.rung) {
            (Abr::Fixed(_), Some(rung)) if rung > ladder.top() => Err(CliError::input(format!(
                "--rung {rung}: the title has rungs 0 to {}",
                ladder.top()
            ))),
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
