//! `promptus serve`.

use super::CliError;

/// Arguments of `promptus serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Runs `promptus serve`.
pub(super) fn run(_args: &Args) -> Result<(), CliError> {
    Err(CliError::input("serve is not wired yet"))
}
