//! `promptus package`: rebuilds a title's files from its own segments.
//!
//! Adds or removes the layers, and brings a title of an earlier format version to the present one;
//! prompts, quality report and poster stay as they are. With `--json` one object on stdout, as from
//! `promptus publish`.

use super::publish::{KeepOld, finish};
use super::{CliError, overwrite};
use crate::package::work::Assembly;
use crate::package::{Destination, Title, TitleContent};

/// Arguments of `promptus package`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of the title.
    title: String,
    /// Title to publish: a folder, made if it is missing, or s3://BUCKET/TITLE (gs://, az://)
    /// [default: the title itself].
    #[arg(long, value_name = "TITLE")]
    out: Option<String>,
    /// Also write the difference between neighbouring rungs as files of their own.
    #[arg(long)]
    layers: bool,
    #[command(flatten)]
    keep: KeepOld,
    /// Print one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let out = args.out.as_ref().unwrap_or(&args.title);
    let place = Destination::open(out)?;
    if *out != args.title {
        overwrite::title(&place)?;
    }
    let title = Title::open(args.title.as_ref())?;
    let content = TitleContent {
        layers: args.layers,
        ..title.content()?
    };
    let files = content.build()?;
    let assembly = Assembly { content, files };
    finish(&place, out, &assembly, args.keep, args.json)
}
