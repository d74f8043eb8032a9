//! Stands in for `compat` in a build without that feature.

use super::Args;
use super::args::Peer;
use crate::cli::CliError;
use crate::simulate::grid::Player;
use crate::simulate::qoe::ExtraFigures;

pub(super) const EXTRA: Option<ExtraFigures> = None;

pub(super) fn player(rule: &str) -> Result<Player, CliError> {
    Err(missing(&format!("--rules sabre:{rule}")))
}

pub(super) fn run(_args: &Args, peer: Peer) -> Result<(), CliError> {
    Err(missing(&format!("--compat {peer:?}").to_lowercase()))
}

fn missing(option: &str) -> CliError {
    CliError::input(format!(
        "{option}: this build has no other simulators; build it with `--features compat`"
    ))
}
