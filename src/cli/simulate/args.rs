//! What `promptus simulate` is asked to do.

use super::told::tell_all;
use crate::cli::CliError;
use crate::cli::session_args::SessionArgs;
use crate::network::conditions::Conditions;
use crate::network::corpus::Corpus;
use crate::network::trace::Trace;
use crate::player::utility::Utility;
use crate::simulate::fit::{self, FitTo};
use crate::simulate::qoe::LPIPS_THRESHOLDS;
use crate::simulate::subject::Subject;
use clap::value_parser;
use std::path::PathBuf;

/// Headers are not longer, bytes.
const MOST_OVERHEAD: u64 = 1 << 20;
/// Plans of the oracle that come near the optimum.
const ORACLE_PLANS: usize = 300;
/// Faster networks do not exist.
const MOST_MULTIPLIER: f64 = 1e6;

/// A simulator to be reproduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Peer {
    /// Sabre, with --sabre-args.
    Sabre,
    /// Pensieve's test environment, with --rules bb or robust-mpc.
    Pensieve,
}

/// Arguments of `promptus simulate`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A title directory, a master.m3u8, or the http:// URL of a manifest.
    pub(super) title: Option<String>,
    /// Movie file of Sabre or Pensieve instead of a title; may be given more than once.
    #[arg(long, value_name = "FILE")]
    pub(super) movie: Vec<PathBuf>,
    /// Recorded network: Sabre JSON, Pensieve text, Mahimahi, iperf3 JSON (-J or --json-stream), CSV
    /// (time, kbps) or Puffer's video_sent.
    #[arg(long, value_name = "FILE")]
    pub(super) trace: Vec<PathBuf>,
    /// Folders of recorded networks; what is no trace is named and left out.
    #[arg(long, value_name = "DIR", num_args = 1..)]
    pub(super) traces: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) network: NetworkArgs,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// What rules take for quality: log, linear, or measured in the title's quality.json or the ladder
    /// file: psnr, ssim, ssimulacra2, lpips_squeeze.
    #[arg(long, value_name = "NAME", default_value_t = Utility::default())]
    pub(super) utility: Utility,
    /// Play so many seconds of every title and ladder: its segments over and over, or the beginning
    /// of a longer one. Makes sessions of short clips as long as traces are.
    #[arg(long, value_name = "S")]
    pub(super) length: Option<f64>,
    /// Reproduce another simulator to the request, faults included.
    #[arg(long, value_name = "NAME")]
    pub(super) compat: Option<Peer>,
    /// Sabre's command line in its own spelling, without -n and -m, such as "-a bolae -ao -b 10".
    #[arg(
        long,
        value_name = "ARGS",
        default_value = "",
        allow_hyphen_values = true
    )]
    pub(super) sabre_args: String,
    /// Many sessions at once: `all`, or rules separated by commas; `layers` plays a title that was
    /// packaged with --layers as base and increments, by a rule of its own; for movies also Sabre's
    /// as sabre:NAME, with further options after +, such as sabre:bola+ao.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) rules: Vec<String>,
    #[command(flatten)]
    pub(super) grid: GridArgs,
    /// Print one JSON object a session on stdout.
    #[arg(long)]
    pub(super) json: bool,
}

/// Many sessions at once and what is written of them.
#[derive(Debug, clap::Args)]
pub(super) struct GridArgs {
    /// Further titles.
    #[arg(long, value_name = "TITLE", num_args = 1..)]
    pub(super) titles: Vec<String>,
    /// Ladder of any codec with sizes and quality by segment, written as quality.json is, such as
    /// `promptus eval --ladders` makes; set beside the titles.
    #[arg(long, value_name = "FILE")]
    pub(super) ladder: Vec<PathBuf>,
    /// Seeds; each beyond the first begins the traces at a place of its own.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u64).range(1..))]
    pub(super) seeds: u64,
    /// LPIPS thresholds over which time is counted.
    #[arg(
        long,
        value_name = "X",
        value_delimiter = ',',
        default_values_t = LPIPS_THRESHOLDS,
        value_parser = threshold
    )]
    pub(super) thresholds: Vec<f64>,
    /// Set every session of a grid beside the best that any rule could have had on its trace, which
    /// takes longer than the sessions; a single session always is.
    #[arg(long)]
    pub(super) oracle: bool,
    /// Plans that the oracle carries from segment to segment [default: 300]; 0: as many as there are,
    /// which proves the optimum. Asks for the oracle.
    #[arg(long, value_name = "N")]
    pub(super) oracle_plans: Option<usize>,
    /// Leave the oracle out.
    #[arg(long, conflicts_with_all = ["oracle", "oracle_plans"])]
    pub(super) no_oracle: bool,
    /// Write the sessions' figures as CSV.
    #[arg(long, value_name = "FILE")]
    pub(super) csv: Option<PathBuf>,
    /// Write them as lines of JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) jsonl: Option<PathBuf>,
    /// Write them as Parquet.
    #[arg(long, value_name = "FILE")]
    pub(super) parquet: Option<PathBuf>,
    /// Write a report as one HTML file.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Write each session as input for ITU-T P.1203 (mode 0), with this as the codec, such as h264.
    #[arg(long, value_name = "CODEC", requires = "p1203")]
    pub(super) p1203_codec: Option<String>,
    /// The file for that; of one session only.
    #[arg(long, value_name = "FILE")]
    pub(super) p1203: Option<PathBuf>,
}

/// What is done to the traces.
#[derive(Debug, clap::Args)]
pub(super) struct NetworkArgs {
    /// Multiply the trace's rates by this.
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    pub(super) multiplier: f64,
    /// Multiply so that the trace's mean becomes the middle of a ladder, and print the factor. All
    /// titles and ladders see the same network: it is fitted to the first, or to the one named
    /// after `=`; `=each` fits it to each title, which makes titles incomparable.
    #[arg(
        long,
        value_name = "TITLE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        conflicts_with = "multiplier"
    )]
    pub(super) fit_to_ladder: Option<String>,
    /// Begin so many seconds into the trace.
    #[arg(long, value_name = "S", default_value_t = 0.0)]
    pub(super) offset: f64,
    /// After the trace's end nothing comes; else it begins anew.
    #[arg(long)]
    pub(super) once: bool,
    /// Latency of every request in milliseconds, instead of the trace's own.
    #[arg(long, value_name = "MS")]
    pub(super) latency: Option<f64>,
    /// Bytes that every answer carries beside its body.
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = 0,
        value_parser = value_parser!(u64).range(..=MOST_OVERHEAD)
    )]
    pub(super) overhead: u64,
}

impl GridArgs {
    /// Plans of the oracle of a single session, unless there is to be none.
    pub(super) fn oracle_plans(&self) -> Option<usize> {
        let most = match self.oracle_plans {
            Some(0) => usize::MAX,
            most => most.unwrap_or(ORACLE_PLANS),
        };
        (!self.no_oracle).then_some(most)
    }

    /// The same of a grid, whose oracle must be asked for.
    pub(super) fn oracle_plans_of_grid(&self) -> Option<usize> {
        let asked = self.oracle || self.oracle_plans.is_some();
        self.oracle_plans().filter(|_| asked)
    }
}

impl NetworkArgs {
    /// The conditions that are the same for every trace and title.
    pub(super) fn conditions(&self) -> Result<Conditions, CliError> {
        check_multiplier(self.multiplier)?;
        not_negative("offset", self.offset)?;
        not_negative("latency", self.latency.unwrap_or(0.0))?;
        Ok(Conditions {
            multiplier: self.multiplier,
            offset_s: self.offset,
            looped: !self.once,
            latency_s: self.latency.map(|ms| ms / 1000.0),
            overhead_bytes: self.overhead,
        })
    }

    /// Whose ladder traces are fitted to, if to any.
    pub(super) fn fit_to(&self, subjects: &[Subject]) -> Result<Option<FitTo>, CliError> {
        let named = |name: &str| {
            let place = subjects.iter().position(|subject| subject.name == name);
            place.map(FitTo::One).ok_or_else(|| {
                let known: Vec<&str> = subjects.iter().map(|s| s.name.as_str()).collect();
                let known = known.join(", ");
                let message = format!("--fit-to-ladder={name}: expected `each` or one of {known}");
                CliError::input(message)
            })
        };
        match self.fit_to_ladder.as_deref() {
            None => Ok(None),
            Some("") => Ok(Some(FitTo::One(0))),
            Some("each") => Ok(Some(FitTo::Each)),
            Some(name) => named(name).map(Some),
        }
    }

    /// The conditions for one trace, fitted to `model` if there is one; says the factor.
    pub(super) fn fitted(
        &self,
        trace: &Trace,
        model: Option<&Subject>,
    ) -> Result<Conditions, CliError> {
        let conditions = self.conditions()?;
        let Some(model) = model else {
            return Ok(conditions);
        };
        let factor = fit::fit(trace, &model.ladder).ok_or_else(|| {
            CliError::check(format!("{}: the trace carries nothing", trace.name()))
        })?;
        let (name, ladder) = (trace.name(), &model.name);
        eprintln!("{name}: multiplied by {factor:.6} to fit {ladder}");
        Ok(Conditions {
            multiplier: factor,
            ..conditions
        })
    }
}

impl Args {
    /// Whether sessions are to be summed up rather than told one by one.
    pub(super) fn is_grid(&self) -> bool {
        let GridArgs {
            csv,
            jsonl,
            parquet,
            html,
            ..
        } = &self.grid;
        let files = [csv, jsonl, parquet, html];
        !self.rules.is_empty()
            || !self.traces.is_empty()
            || self.grid.seeds > 1
            || files.iter().any(|file| file.is_some())
    }

    /// The traces, after naming what was found and is none.
    pub(super) fn corpus(&self) -> Result<Vec<Trace>, CliError> {
        let mut traces = Vec::new();
        for file in &self.trace {
            traces.push(Trace::load(file)?);
        }
        let corpus = Corpus::read(&self.traces)?;
        for skipped in &corpus.skipped {
            eprintln!("skipped {}: {}", skipped.file.display(), skipped.reason);
        }
        if !self.traces.is_empty() {
            let (read, skipped) = (corpus.traces.len(), corpus.skipped.len());
            eprintln!("{read} traces, {skipped} other files skipped");
        }
        traces.extend(corpus.traces);
        if traces.is_empty() {
            return Err(CliError::input(
                "no trace: give --trace FILE or --traces DIR",
            ));
        }
        tell_all(&traces);
        Ok(traces)
    }
}

/// Refuses multipliers that make no network.
pub(in crate::cli) fn check_multiplier(multiplier: f64) -> Result<(), CliError> {
    if multiplier > 0.0 && multiplier <= MOST_MULTIPLIER {
        return Ok(());
    }
    let message = format!(
        "--multiplier {multiplier:?}: expected a number above 0, at most {MOST_MULTIPLIER}"
    );
    Err(CliError::input(message))
}

fn threshold(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok();
    let value = value.filter(|value| value.is_finite() && *value >= 0.0);
    value.ok_or_else(|| "expected a number, 0 or more".to_owned())
}

fn not_negative(name: &str, value: f64) -> Result<(), CliError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    let message = format!("--{name} {value}: expected a number, 0 or more");
    Err(CliError::input(message))
}
