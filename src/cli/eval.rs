//! `promptus eval`.

use super::CliError;

/// Arguments of `promptus eval`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs `promptus eval`.
pub(super) fn run(_args: &Args) -> Result<(), CliError> {
    Err(CliError::input("eval is not wired yet"))
}
