//! `promptus demo`.

use super::CliError;

/// Arguments of `promptus demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs `promptus demo`.
pub(super) fn run(_args: &Args) -> Result<(), CliError> {
    Err(CliError::input("demo is not wired yet"))
}
