//! `promptus simulate`: a title over a recorded network in virtual time.
//!
//! The text goes to stderr; with `--json` the report (see [`crate::report`]) is the last line of
//! stdout. A trace that carries nothing ends with the verdict `starved` and exit code 1.

use super::CliError;
use super::session_args::{self, SessionArgs};
use crate::player::fetch::{Client, Patience, Title};
use crate::player::ladder::Ladder;
use crate::player::session::Session;
use crate::report::{Context, Network, Report, Verdict};
use crate::simulate::link::Link;
use crate::simulate::trace::Trace;
use crate::simulate::{driver, title};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of `promptus simulate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A title directory, a master.m3u8, or the http:// URL of a manifest.
    title: String,
    /// Recorded network: Sabre JSON, Pensieve text, Mahimahi, iperf3 JSON or CSV (time, kbps).
    #[arg(long, value_name = "FILE")]
    trace: PathBuf,
    /// Multiply the trace's rates by this.
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    multiplier: f64,
    #[command(flatten)]
    session: SessionArgs,
    /// Print the report as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs `promptus simulate`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let trace = Trace::load(&args.trace)?;
    check_multiplier(args.multiplier)?;
    let (profile, ladder) = ladder(&args.title)?;
    let options = args.session.options(&ladder)?;
    let session = Session::new(Arc::clone(&ladder), &options);
    let run = driver::run(session, &Link::new(&trace, args.multiplier));
    let context = Context {
        command: "simulate",
        title: args.title.clone(),
        profile,
        options,
        trace: Some(Network {
            name: trace.name().to_owned(),
            multiplier: args.multiplier,
        }),
        verdict: match run.starved_by {
            None => Verdict::Finished,
            Some(_) => Verdict::Starved,
        },
        overhead_bytes: 0,
        rendering: None,
    };
    let report = Report::new(context, &ladder, run.log);
    session_args::print(&report, args.json)?;
    match run.starved_by {
        None => Ok(()),
        Some(segment) => Err(CliError::check(format!(
            "{}: the trace carries nothing, segment {segment} never arrives",
            trace.name()
        ))),
    }
}

/// Refuses multipliers that make no network.
pub(super) fn check_multiplier(multiplier: f64) -> Result<(), CliError> {
    if multiplier.is_finite() && multiplier > 0.0 {
        return Ok(());
    }
    let message = format!("--multiplier {multiplier}: expected a number above 0");
    Err(CliError::input(message))
}

/// Profile and ladder of the first group of a title on disk or behind a URL.
fn ladder(title: &str) -> Result<(String, Arc<Ladder>), CliError> {
    if title.contains("://") {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        return runtime.block_on(remote(title));
    }
    let presentation = title::read(Path::new(title))?;
    let group = presentation.groups.first();
    let group = group.ok_or_else(|| CliError::input(format!("{title}: the title is empty")))?;
    Ok((group.profile.clone(), Arc::new(Ladder::from_group(group)?)))
}

async fn remote(url: &str) -> Result<(String, Arc<Ladder>), CliError> {
    let client = Client::new(Patience::default())?;
    let stream = Title::open(&client, url).await?.stream(&client, 0).await?;
    Ok((stream.group().profile.clone(), Arc::clone(stream.ladder())))
}
