//! `promptus import`.

use super::CliError;

/// Arguments of `promptus import`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs `promptus import`.
pub(super) fn run(_args: &Args) -> Result<(), CliError> {
    Err(CliError::input("import is not wired yet"))
}
