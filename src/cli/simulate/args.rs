//! Arguments of `promptus simulate`.

use crate::cli::CliError;
use crate::cli::session_args::{NOT_NEGATIVE, SessionArgs, multiplier, number};
use crate::network::conditions::Conditions;
use crate::network::corpus::{self, Corpus};
use crate::network::trace::Trace;
use crate::player::utility::Utility;
use crate::simulate::qoe::LPIPS_THRESHOLDS;
use clap::value_parser;
use std::path::PathBuf;

/// Upper bound of `--overhead`, bytes.
const MAX_OVERHEAD: u64 = 1 << 20;
const NUMBER: &str = "a number, 0 or more";

/// A re-enacted simulator.
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
    /// Title directory, master.m3u8, or http:// URL of a manifest.
    pub(super) title: Option<String>,
    /// Movie file of Sabre or Pensieve instead of a title; repeatable.
    #[arg(long, value_name = "FILE")]
    pub(super) movie: Vec<PathBuf>,
    /// Recorded network: Sabre JSON, Pensieve text, Mahimahi, iperf3 JSON (-J or --json-stream), CSV
    /// (time, kbps) or Puffer's video_sent; repeatable.
    #[arg(long, value_name = "FILE")]
    trace: Vec<PathBuf>,
    /// Folders of recorded networks; files that are not traces are listed and skipped.
    #[arg(long, value_name = "DIR", num_args = 1..)]
    traces: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) network: NetworkArgs,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// Quality measure of the rules: log or linear (of the rate), or measured in the title's
    /// quality.json or the ladder file: psnr, ssim, ssimulacra2, lpips_squeeze.
    #[arg(long, value_name = "NAME", default_value_t = Utility::default())]
    pub(super) utility: Utility,
    /// Repeat or cut every title and ladder to this length in seconds; makes sessions of short clips
    /// as long as traces.
    #[arg(long, value_name = "S", value_parser = number(f64::MIN_POSITIVE..=86_400.0, "seconds above 0, at most 86400"))]
    pub(super) length: Option<f64>,
    /// Re-enact another simulator request by request, faults included; needs --movie.
    #[arg(
        long,
        value_name = "NAME",
        requires = "movie",
        conflicts_with_all = ["title", "titles", "ladder", "length", "utility", "seeds", "fit_to_ladder",
            "offset", "once", "latency", "overhead", "csv", "jsonl", "parquet", "html", "p1203"],
    )]
    pub(super) compat: Option<Peer>,
    /// Sabre's command line in its own spelling, without -n and -m, such as "-a bolae -ao -b 10".
    #[arg(
        long,
        value_name = "ARGS",
        default_value = "",
        allow_hyphen_values = true
    )]
    pub(super) sabre_args: String,
    /// Compare rules: `all`, or names separated by commas. `layers` is the rule for titles packaged
    /// with --layers. For movies also Sabre's rules as sabre:NAME, with further options after +, such
    /// as sabre:bola+ao.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) rules: Vec<String>,
    #[command(flatten)]
    pub(super) grid: GridArgs,
    /// Print one JSON object per session on stdout.
    #[arg(long)]
    pub(super) json: bool,
}

/// Many sessions, and their output files.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Many sessions")]
pub(super) struct GridArgs {
    /// Further titles.
    #[arg(long, value_name = "TITLE", num_args = 1..)]
    pub(super) titles: Vec<String>,
    /// Ladder of any codec with sizes and quality by segment in the format of quality.json, such as
    /// `promptus eval --ladders` writes; compared with the titles. Repeatable.
    #[arg(long, value_name = "FILE")]
    pub(super) ladder: Vec<PathBuf>,
    /// Number of seeds; each beyond the first starts the traces at an offset of its own.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u64).range(1..))]
    pub(super) seeds: u64,
    /// Report the share of playing time with an LPIPS above each of these.
    #[arg(long, value_name = "X", value_delimiter = ',', default_values_t = LPIPS_THRESHOLDS,
        value_parser = number(NOT_NEGATIVE, NUMBER))]
    pub(super) thresholds: Vec<f64>,
    /// Compare every session of a grid with the best choice of rungs on its trace, which takes longer
    /// than the sessions; a single session always is.
    #[arg(long)]
    pub(super) oracle: bool,
    /// Plans that the oracle carries from segment to segment [default: 300]; 0: no limit, which proves
    /// the optimum. Implies --oracle.
    #[arg(long, value_name = "N")]
    pub(super) oracle_plans: Option<usize>,
    /// Skip the oracle.
    #[arg(long, conflicts_with_all = ["oracle", "oracle_plans"])]
    pub(super) no_oracle: bool,
    /// Write the sessions' figures as CSV.
    #[arg(long, value_name = "FILE")]
    pub(super) csv: Option<PathBuf>,
    /// Write them as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub(super) jsonl: Option<PathBuf>,
    /// Write them as Parquet.
    #[arg(long, value_name = "FILE")]
    pub(super) parquet: Option<PathBuf>,
    /// Write a report as one HTML file.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Codec named in --p1203, such as h264 (the default).
    #[arg(long, value_name = "CODEC", requires = "p1203")]
    pub(super) p1203_codec: Option<String>,
    /// Write one session as input of an ITU-T P.1203 implementation (mode 0).
    #[arg(long, value_name = "FILE")]
    pub(super) p1203: Option<PathBuf>,
}

/// Changes to the traces.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Network")]
pub(super) struct NetworkArgs {
    /// Multiply the trace's rates.
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = multiplier)]
    multiplier: f64,
    /// Multiply each trace so that its mean is the middle of a ladder, and print the factor. All titles
    /// and ladders see the same network, fitted to the first one or to the one named after `=`; `=each`
    /// fits it to each title, which makes titles incomparable.
    #[arg(long, value_name = "TITLE", num_args = 0..=1, require_equals = true,
        default_missing_value = "", conflicts_with = "multiplier")]
    pub(super) fit_to_ladder: Option<String>,
    /// Start at this offset into the trace, seconds.
    #[arg(long, value_name = "S", default_value_t = 0.0, value_parser = number(NOT_NEGATIVE, NUMBER))]
    offset: f64,
    /// Do not repeat the trace: nothing is delivered after its end.
    #[arg(long)]
    once: bool,
    /// Latency of every request in milliseconds, instead of the trace's own.
    #[arg(long, value_name = "MS", value_parser = number(NOT_NEGATIVE, NUMBER))]
    latency: Option<f64>,
    /// Bytes of headers in every response.
    #[arg(long, value_name = "BYTES", default_value_t = 0,
        value_parser = value_parser!(u64).range(..=MAX_OVERHEAD))]
    overhead: u64,
}

impl Args {
    /// Whether the result is a summary of many sessions, instead of a report per session.
    pub(super) fn is_grid(&self) -> bool {
        let grid = &self.grid;
        let files = [&grid.csv, &grid.jsonl, &grid.parquet, &grid.html];
        !self.rules.is_empty()
            || !self.traces.is_empty()
            || grid.seeds > 1
            || files.into_iter().any(Option::is_some)
    }

    pub(super) fn corpus(&self) -> Result<Vec<Trace>, CliError> {
        let traces = self.trace.iter().map(|file| Trace::load(file));
        let mut traces = traces.collect::<Result<Vec<_>, _>>()?;
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
            let message = "no trace: give --trace FILE or --traces DIR";
            return Err(CliError::input(message));
        }
        eprint!("{}", corpus::describe(&traces));
        Ok(traces)
    }

    pub(super) fn conditions(&self) -> Conditions {
        let network = &self.network;
        Conditions {
            multiplier: network.multiplier,
            offset_s: network.offset,
            looped: !network.once,
            latency_s: network.latency.map(|ms| ms / 1000.0),
            overhead_bytes: network.overhead,
        }
    }
}
