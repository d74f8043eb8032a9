//! `promptus completions` and `promptus man`: what packagers install beside the binary, made from the
//! definition of the command line.

use super::{CliError, overwrite};
use clap::Command;
use clap_complete::Shell;
use std::io::{self, Write};
use std::path::PathBuf;

/// Arguments of `promptus completions`.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// Shell that the script on stdout is for.
    #[arg(value_enum)]
    shell: Shell,
}

/// Arguments of `promptus man`.
#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// Folder for promptus.1, promptus-encode.1 and the others.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

/// Runs `promptus completions` for the command line `cli`.
pub(super) fn completions(args: &CompletionsArgs, mut cli: Command) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut cli, "promptus", &mut script);
    Ok(io::stdout().write_all(&script)?)
}

/// Runs `promptus man` for the command line `cli`.
pub(super) fn man(args: &ManArgs, cli: Command) -> Result<(), CliError> {
    overwrite::files(
        [args.out.join("promptus.1")]
            .iter()
            .filter(|page| page.exists()),
    )?;
    std::fs::create_dir_all(&args.out)
        .and_then(|()| clap_mangen::generate_to(cli, &args.out))
        .map_err(|error| CliError::input(format!("{}: {error}", args.out.display())))
}
