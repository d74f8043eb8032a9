//! `promptus package`: writes a title's files anew from its own segments.
//!
//! Adds or takes away the layers, and brings a title of an earlier format version to the present
//! one; prompts, quality report and poster stay as they are. With `--json` one object on stdout, as
//! from `promptus publish`.

use super::publication::Published;
use super::{CliError, json_line, overwrite};
use crate::package::work::Assembly;
use crate::package::{Title, TitleContent, publish};
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `promptus package`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the title.
    title: PathBuf,
    /// Folder for the result, made if it is missing; by default the title becomes it.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Also write what each rung adds to the one below it as files of their own.
    #[arg(long)]
    layers: bool,
    /// Hours for which files of an earlier edition of the title stay.
    #[arg(long, default_value_t = 24, value_name = "HOURS")]
    keep_old: u32,
    /// Print one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs `promptus package`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    if let Some(out) = args.out.as_ref().filter(|out| **out != args.title) {
        overwrite::title(out)?;
    }
    let title = Title::open(&args.title)?;
    let content = TitleContent {
        layers: args.layers,
        ..title.content()?
    };
    let files = content.build()?;
    let out = args.out.as_ref().unwrap_or(&args.title);
    let keep = Duration::from_secs(3600 * u64::from(args.keep_old));
    publish(out, &files, keep)?;
    let published = Published::new(out, &Assembly { content, files });
    published.explain();
    if args.json {
        json_line::print(&published)?;
    }
    Ok(())
}
