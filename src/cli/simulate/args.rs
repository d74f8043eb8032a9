//! What `promptus simulate` is asked to do.

use crate::cli::CliError;
use crate::cli::session_args::SessionArgs;
use crate::player::fetch::{Client, Patience, Title};
use crate::simulate::conditions::{self, Conditions};
use crate::simulate::corpus::Corpus;
use crate::simulate::qoe::LPIPS_THRESHOLDS;
use crate::simulate::subject::Subject;
use crate::simulate::trace::Trace;
use clap::value_parser;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Headers are not longer, bytes.
const MOST_OVERHEAD: u64 = 1 << 20;
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
    /// Recorded network: Sabre JSON, Pensieve text, Mahimahi, iperf3 JSON or CSV (time, kbps).
    #[arg(long, value_name = "FILE")]
    pub(super) trace: Vec<PathBuf>,
    /// Folders of recorded networks; what is no trace is named and left out.
    #[arg(long, value_name = "DIR", num_args = 1..)]
    pub(super) traces: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) network: NetworkArgs,
    #[command(flatten)]
    pub(super) session: SessionArgs,
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
    /// Many sessions at once: `all`, or rules separated by commas; for movies also Sabre's as
    /// sabre:NAME, with further options after +, such as sabre:bola+ao.
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
    /// Ladder of any codec with sizes and quality by segment, written as quality.json is.
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
    /// Plans that the oracle carries from segment to segment; 0: as many as there are, which proves
    /// the optimum.
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub(super) oracle_plans: usize,
    /// Leave the oracle out.
    #[arg(long)]
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
    /// Multiply so that the trace's mean becomes the middle of the ladder, and print the factor.
    #[arg(long, conflicts_with = "multiplier")]
    pub(super) fit_to_ladder: bool,
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
    /// Plans of the oracle, if there is to be one.
    pub(super) fn oracle_plans(&self) -> Option<usize> {
        let most = match self.oracle_plans {
            0 => usize::MAX,
            most => most,
        };
        (!self.no_oracle).then_some(most)
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

    /// The conditions for one trace and title; says the factor where it is worked out.
    pub(super) fn fitted(&self, trace: &Trace, subject: &Subject) -> Result<Conditions, CliError> {
        let conditions = self.conditions()?;
        if !self.fit_to_ladder {
            return Ok(conditions);
        }
        let factor = conditions::fit(trace, &subject.ladder).ok_or_else(|| {
            CliError::check(format!("{}: the trace carries nothing", trace.name()))
        })?;
        eprintln!("{}: multiplied by {factor:.6}", trace.name());
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
        Ok(traces)
    }

    /// What is to be streamed.
    pub(super) fn subjects(&self) -> Result<Vec<Subject>, CliError> {
        let mut subjects = Vec::new();
        if let Some(title) = &self.title {
            subjects.push(subject(title)?);
        }
        for title in &self.grid.titles {
            subjects.push(subject(title)?);
        }
        for file in &self.movie {
            subjects.push(Subject::movie(file)?);
        }
        for file in &self.grid.ladder {
            subjects.push(Subject::measured(file)?);
        }
        if subjects.is_empty() {
            let message = "nothing to stream: give a title, --movie FILE or --ladder FILE";
            return Err(CliError::input(message));
        }
        Ok(subjects)
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

/// The first group of a title on disk or behind a URL.
fn subject(title: &str) -> Result<Subject, CliError> {
    if !title.contains("://") {
        return Ok(Subject::title(Path::new(title))?);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(remote(title))
}

async fn remote(url: &str) -> Result<Subject, CliError> {
    let client = Client::new(Patience::default())?;
    let stream = Title::open(&client, url).await?.stream(&client, 0).await?;
    let stream = stream.complete(&client).await?;
    Ok(Subject {
        name: url.to_owned(),
        profile: stream.group().profile.clone(),
        ladder: Arc::clone(stream.ladder()),
        quality: None,
        picture: None,
        movie: None,
    })
}
