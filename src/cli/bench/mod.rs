//! `promptus bench`: how fast this machine generates, fits and codes, each figure beside a peer
//! measured in the same run or beside a stated limit.
//!
//! Wall time is what a user waits; processor time is what other load on the machine does not
//! change. Both are those of the fastest of several rounds.

mod coder;
mod fit;
mod measure;
mod render;
mod segment;
mod stock;

use super::CliError;
use clap::Subcommand;
use serde::Serialize;
use std::io::{self, Write};

/// Arguments of `promptus bench`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Frames from a coded segment in memory.
    Render(render::Args),
    /// One step of a fit: forward, squared error, gradient of the prompts.
    Fit(fit::Args),
    /// Keyframes to bytes and back, rung by rung.
    Coder(coder::Args),
}

/// Runs `promptus bench`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    match &args.what {
        What::Render(args) => render::run(args),
        What::Fit(args) => fit::run(args),
        What::Coder(args) => coder::run(args),
    }
}

/// A picture's width and height as `256x256`.
fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once('x');
    let sides = sides.and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    match sides {
        Some((width @ 1..=4096, height @ 1..=4096)) => Ok((width, height)),
        _ => Err(format!("`{text}`: expected WIDTHxHEIGHT, each 1 to 4096")),
    }
}

/// What the same work takes otherwise.
#[derive(Debug, Serialize)]
struct Peer {
    name: &'static str,
    ms: f64,
    /// Its time over ours.
    ratio: f64,
}

impl Peer {
    fn new(name: &'static str, seconds: f64, ours: f64) -> Self {
        Self {
            name,
            ms: 1000.0 * seconds,
            ratio: seconds / ours,
        }
    }
}

fn explain(peers: &[Peer], out: &mut impl Write) -> io::Result<()> {
    for Peer { name, ms, ratio } in peers {
        writeln!(out, "peer      {ms:.2} ms, {ratio:.2} of ours: {name}")?;
    }
    Ok(())
}

/// The report as one line on stdout.
fn print_json(report: &impl Serialize) -> Result<(), CliError> {
    Ok(writeln!(
        io::stdout(),
        "{}",
        serde_json::to_string(report)?
    )?)
}

/// A pool of `threads` threads, or as many as the machine has cores.
fn pool(threads: Option<usize>) -> Result<rayon::ThreadPool, CliError> {
    let builder = rayon::ThreadPoolBuilder::new();
    Ok(builder.num_threads(threads.unwrap_or(0)).build()?)
}
