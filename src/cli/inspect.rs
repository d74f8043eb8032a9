//! `promptus inspect`.

use super::CliError;

/// Arguments of `promptus inspect`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs `promptus inspect`.
pub(super) fn run(_args: &Args) -> Result<(), CliError> {
    Err(CliError::input("inspect is not wired yet"))
}
