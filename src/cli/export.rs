//! `promptus export`.

use super::CliError;

/// Arguments of `promptus export`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs `promptus export`.
pub(super) fn run(_args: &Args) -> Result<(), CliError> {
    Err(CliError::input("export is not wired yet"))
}
