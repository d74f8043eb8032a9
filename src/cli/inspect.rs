//! `promptus inspect`: contents of a title, a media file or a segment.
//!
//! The report goes to stdout, as text or as JSON. Damage ends the command with exit code 2 and its
//! place.

use super::{CliError, json_line, outline};
use crate::inspect;
use std::io::{self, Write};
use std::path::PathBuf;

/// Arguments of `promptus inspect`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of a title, a media file (.mp4), an init segment or a media segment (.m4s).
    path: PathBuf,
    /// The init segment or media file that a media segment belongs to; without it the samples are
    /// listed but not decoded.
    #[arg(long, value_name = "FILE")]
    init: Option<PathBuf>,
    /// Print one JSON object on stdout: `kind` (title, file, init or segment), path, bytes, and
    /// for a title its rungs, otherwise boxes, track and segments down to the layers.
    #[arg(long)]
    json: bool,
}

/// Runs `promptus inspect`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let report = if args.path.is_dir() {
        inspect::title(&args.path)?
    } else {
        inspect::file(&args.path, args.init.as_deref())?
    };
    if args.json {
        json_line::print(&report)
    } else {
        let text = outline::of(&report)?;
        Ok(io::stdout().lock().write_all(text.as_bytes())?)
    }
}
