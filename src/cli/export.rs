//! `promptus export`: a title of official prompts as the reference's files.

use super::{CliError, json_line, overwrite};
use crate::package::{Title, to_official};
use crate::prompt::official::{Device, prompt_name};
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `promptus export`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of a title that `promptus import` made.
    #[arg(value_name = "TITLE")]
    title: PathBuf,
    /// Folder for init.pth and the .prompt files, made if it is missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Device that the tensors are marked with, cuda or cpu; the reference's player expects cuda.
    #[arg(long, value_enum, default_value_t = Device::Cuda, hide_possible_values = true)]
    mark: Device,
    /// Print one JSON object on stdout: out, prompts, rank.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let folder = to_official(&Title::open(&args.title)?)?;
    let numbers = folder.prompts.keys();
    let names: Vec<String> = numbers.map(|number| prompt_name(*number)).collect();
    overwrite::prompts(&args.out, &names)?;
    folder.write(&args.out, args.mark)?;
    let (out, prompts) = (args.out.display().to_string(), folder.prompts.len());
    let rank = folder.prompts.values().next().map_or(0, |first| first.rank);
    eprintln!("{out}: init.pth and {prompts} prompts of rank {rank}");
    if args.json {
        json_line::print(&json!({ "out": out, "prompts": prompts, "rank": rank }))?;
    }
    Ok(())
}
