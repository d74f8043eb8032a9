//! `promptus bench`: how fast this machine renders, fits and codes. See [`crate::speed`] for the
//! fields of `--json`, which has `"bench"` with the name of the measurement in front of them.

use super::{CliError, json_line, outline};
use crate::model::Profile;
use crate::render::Batching;
use crate::speed::{self, RenderOptions};
use candle_core::DType;
use clap::Subcommand;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

/// Arguments of `promptus bench`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Frames a second from a coded segment in memory.
    Render(RenderArgs),
    /// One step of a fit: forward pass, squared error, gradient of the prompts.
    Fit(FitArgs),
    /// Entropy coding of keyframes, rung by rung.
    Coder(CoderArgs),
}

#[derive(Debug, clap::Args)]
struct RenderArgs {
    /// Generator: mini or sd-turbo.
    #[arg(long, value_name = "NAME", default_value = "mini")]
    profile: String,
    /// Use seeded random weights: nothing needs to be installed.
    #[arg(long)]
    random_weights: bool,
    /// Size of the frames [default: 256x256, or 512x512 for sd-turbo].
    #[arg(long, value_name = "WxH", value_parser = parse_size)]
    size: Option<(u32, u32)>,
    /// Threads [default: one a core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Frames of the segment.
    #[arg(long, value_name = "N", default_value_t = 61, value_parser = clap::value_parser!(u32).range(1..=65_535))]
    frames: u32,
    /// Number format of weights and hidden layers.
    #[arg(long, default_value = "f32", value_parser = formats())]
    dtype: DType,
    /// Most frames in one pass; 0: each by itself [default: 0 on a CPU, 16 on a GPU].
    #[arg(long, value_name = "N")]
    batch: Option<u32>,
    /// Print the report as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct FitArgs {
    /// Size of the frame.
    #[arg(long, value_name = "WxH", default_value = "256x256", value_parser = parse_size)]
    size: (u32, u32),
    /// Threads [default: one a core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print the report as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct CoderArgs {
    /// Size of the pictures that the prompts are for.
    #[arg(long, value_name = "WxH", default_value = "256x256", value_parser = parse_size)]
    size: (u32, u32),
    /// Print the report as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// A report with the name of its measurement.
#[derive(Serialize)]
struct Named<'a, T> {
    bench: &'static str,
    #[serde(flatten)]
    report: &'a T,
}

/// Runs `promptus bench`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    match &args.what {
        What::Render(args) => {
            let options = args.options()?;
            let report = pool(args.threads)?.install(|| speed::render(&options))?;
            print("render", &report, args.json)
        }
        What::Fit(args) => {
            let report = pool(args.threads)?.install(|| speed::fit(args.size))?;
            print("fit", &report, args.json)
        }
        What::Coder(args) => {
            let report = speed::coder(args.size)?;
            print("coder", &report, args.json)
        }
    }
}

/// Number formats of a generator.
fn formats() -> impl TypedValueParser<Value = DType> {
    PossibleValuesParser::new(["f32", "f16", "bf16"]).try_map(|name| name.parse())
}

fn print<T: Serialize>(bench: &'static str, report: &T, json: bool) -> Result<(), CliError> {
    let report = Named { bench, report };
    eprint!("{}", outline::of(&report)?);
    if json {
        json_line::print(&report)?;
    }
    Ok(())
}

impl RenderArgs {
    fn options(&self) -> Result<RenderOptions, CliError> {
        let mut options = RenderOptions::new(Profile::named(&self.profile)?);
        options.random_weights = self.random_weights;
        options.size = self.size.unwrap_or(options.size);
        options.frames = self.frames;
        options.dtype = self.dtype;
        options.batching = self.batch.map(|most| match most {
            0 => Batching::SideBySide,
            most => Batching::Together(most),
        });
        Ok(options)
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

/// A pool of `threads` threads, or as many as the machine has cores.
fn pool(threads: Option<usize>) -> Result<rayon::ThreadPool, CliError> {
    let builder = rayon::ThreadPoolBuilder::new();
    Ok(builder.num_threads(threads.unwrap_or(0)).build()?)
}
