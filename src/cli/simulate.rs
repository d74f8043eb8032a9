//! `promptus simulate`.

use super::CliError;

/// Arguments of `promptus simulate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs `promptus simulate`.
pub(super) fn run(_args: &Args) -> Result<(), CliError> {
    Err(CliError::input("simulate is not wired yet"))
}
