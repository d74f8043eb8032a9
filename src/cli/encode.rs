//! `promptus encode`.

use super::CliError;

/// Arguments of `promptus encode`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs `promptus encode`.
pub(super) fn run(_args: &Args) -> Result<(), CliError> {
    Err(CliError::input("encode is not wired yet"))
}
