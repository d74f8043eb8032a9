//! Arguments that `play` and `simulate` share.

use super::CliError;
use crate::player::abr::Abr;
use crate::player::ladder::Ladder;
use crate::player::session::Options;
use crate::player::throughput::Estimator;
use crate::report::Report;
use std::io::{self, Write};

/// How the session is set up.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SessionArgs {
    /// Rule that picks the rung: throughput, bba0, bba2, bola-basic, bola-u, bola-o, bola-e, dynamic,
    /// robust-mpc, stochastic-mpc, festive, l2a, lol+ or fixed.
    #[arg(long, value_name = "NAME", default_value_t = Abr::default())]
    abr: Abr,
    /// Rung for --abr fixed, counted from 0, the lowest.
    #[arg(long, value_name = "N")]
    rung: Option<usize>,
    /// Seconds of media to keep in the buffer; at least two segments are kept.
    #[arg(long, value_name = "S", default_value_t = Options::default().buffer_s)]
    buffer: f64,
    /// Media time to start at, in seconds.
    #[arg(long, value_name = "S", default_value_t = 0.0)]
    start: f64,
    /// Throughput estimator: ewma, harmonic, mean or percentile.
    #[arg(long, value_name = "NAME", default_value_t = Estimator::default())]
    estimator: Estimator,
    /// Seed of the rules that use chance (festive, lol+).
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
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
        })
    }

    fn rule(&self, ladder: &Ladder) -> Result<Abr, CliError> {
        match (self.abr, self.rung) {
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
    write!(io::stderr().lock(), "{}", report.text())?;
    if json {
        writeln!(io::stdout().lock(), "{}", report.json()?)?;
    }
    Ok(())
}
