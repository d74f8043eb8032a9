//! `promptus inspect`: what is inside a title, a media file or a segment.
//!
//! The report is what the command is for, so without `--json` it goes to stdout as text. Reading
//! checks everything down to the prompts: whatever is damaged ends the command with exit code 2
//! and its place.

mod media;
mod title;
mod track;

use super::CliError;
use std::io::{self, Write};
use std::path::PathBuf;

/// Arguments of `promptus inspect`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A title's folder, a media file (.mp4), an init segment or a media segment (.m4s).
    path: PathBuf,
    /// The init segment or media file that a media segment belongs to; without it the samples are
    /// listed but not opened.
    #[arg(long, value_name = "FILE")]
    init: Option<PathBuf>,
    /// Print one JSON object on stdout: `kind` (title, file, init or segment), path, bytes, and
    /// for a title its rungs, otherwise boxes, track and segments down to the layers.
    #[arg(long)]
    json: bool,
}

/// Runs `promptus inspect`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let mut text = Vec::new();
    let json = if args.path.is_dir() {
        let report = title::read(&args.path)?;
        title::describe(&report, &mut text)?;
        serde_json::to_string(&report)?
    } else {
        let report = media::read(&args.path, args.init.as_deref())?;
        media::describe(&report, &mut text)?;
        serde_json::to_string(&report)?
    };
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{json}")?;
    } else {
        out.write_all(&text)?;
    }
    Ok(())
}
