//! `promptus doctor`.

use super::CliError;

/// Arguments of `promptus doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs `promptus doctor`.
pub(super) fn run(_args: &Args) -> Result<(), CliError> {
    Err(CliError::input("doctor is not wired yet"))
}
