//! `promptus play`.

use super::CliError;

/// Arguments of `promptus play`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs `promptus play`.
pub(super) fn run(_args: &Args) -> Result<(), CliError> {
    Err(CliError::input("play is not wired yet"))
}
