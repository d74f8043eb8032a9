//! The command line: one file per subcommand, human text on stderr, `--json` on stdout.
//!
//! Exit codes: 0 done, 1 a check failed, 2 bad usage or input, 130 interrupted.

#[macro_use]
mod stderr;

mod atomic_write;
mod bench;
mod demo;
mod doctor;
mod encode;
mod error;
mod eval;
mod export;
mod import;
mod inspect;
mod json_line;
mod notify;
mod outline;
mod overwrite;
mod package;
mod picture_args;
mod play;
mod playback;
mod publication;
mod publish;
mod serve;
mod session_args;
mod simulate;
mod token;
mod validate;
mod weights;

pub use error::CliError;

use crate::model::device;
use crate::model::ops::keep_freed_memory;
use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Streams video as low-rank Stable Diffusion prompts.
#[derive(Debug, Parser)]
#[command(name = "promptus", version, propagate_version = true)]
struct Cli {
    /// Log level of promptus's own messages: error, warn, info, debug or trace.
    #[arg(
        long,
        global = true,
        env = "PROMPTUS_LOG",
        default_value = "warn",
        value_name = "LEVEL"
    )]
    log: String,
    /// Device of the generators: auto, cpu, cuda or cuda:N.
    #[arg(long, global = true, default_value = "auto", value_name = "DEVICE")]
    device: device::Choice,
    /// Replace existing files and titles without asking.
    #[arg(short = 'y', long, global = true)]
    overwrite: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fit prompts to a video and publish the whole ladder as a title.
    Encode(encode::Args),
    /// Assemble the shards of a divided encode into a title.
    Publish(publish::Args),
    /// Rebuild a title's files from its segments, with layers or without.
    Package(package::Args),
    /// Turn the reference's .prompt files into a title.
    Import(import::Args),
    /// Write a title's prompts back as the reference's .prompt files.
    Export(export::Args),
    /// Serve titles over HTTP as HLS and DASH.
    Serve(serve::Args),
    /// Make the path prefix that opens a title where tokens are in use.
    Token(token::Args),
    /// Play a title, over HTTP or from disk, rendering frames.
    Play(play::Args),
    /// Stream a title over a recorded network trace in virtual time.
    Simulate(Box<simulate::Args>),
    /// Measure a title's rungs against the original video.
    Eval(eval::Args),
    /// Show the contents of a title, a media file or a segment.
    Inspect(inspect::Args),
    /// Check a title against the rules of this format, of HLS and of DASH.
    Validate(validate::Args),
    /// Report devices, weights and features.
    Doctor(doctor::Args),
    /// List the weights to install, their place, and whether they are intact.
    Weights(weights::Args),
    /// Measure how fast this machine renders, fits and codes.
    Bench(bench::Args),
    /// Serve, play and measure the shipped title in one go.
    Demo(demo::Args),
    /// Print a script that completes commands and options in a shell.
    #[command(hide = true)]
    Completions {
        /// Shell that the script on stdout is for.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write man pages.
    #[command(hide = true)]
    Man {
        /// Folder for promptus.1, promptus-encode.1 and the others.
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
    },
}

/// Parses the command line, runs the command, and turns its outcome into an exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    overwrite::say(cli.overwrite);
    // The fit and the renderer free and take the same large buffers over and over.
    keep_freed_memory();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("promptus={}", cli.log)))
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .log_internal_errors(false)
        .init();
    let chosen = device::choose(cli.device).map_err(CliError::from);
    match chosen.and_then(|()| run(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

fn run(command: Command) -> Result<(), CliError> {
    match command {
        Command::Encode(args) => encode::run(&args),
        Command::Publish(args) => publish::run(&args),
        Command::Package(args) => package::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Play(args) => play::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Weights(args) => weights::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "promptus", &mut script);
            Ok(io::stdout().write_all(&script)?)
        }
        Command::Man { out } => {
            overwrite::files([out.join("promptus.1")].iter().filter(|page| page.exists()))?;
            let made = std::fs::create_dir_all(&out);
            made.and_then(|()| clap_mangen::generate_to(Cli::command(), &out))
                .map_err(CliError::at(&out))
        }
    }
}
