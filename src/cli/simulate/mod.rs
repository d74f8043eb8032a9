//! `promptus simulate`: titles over recorded networks in virtual time.
//!
//! The text goes to stderr; with `--json` one object a session goes to stdout, the last line being
//! the last session's. A trace that carries nothing ends with the verdict `starved` and exit code 1.

mod args;
mod compat;
mod grid;
mod output;
mod single;
mod subjects;
mod table;
mod told;

pub(super) use args::{Args, check_multiplier};
pub(super) use told::tell;

use super::{CliError, overwrite};

/// Runs `promptus simulate`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let grid = &args.grid;
    let outputs = [
        &grid.csv,
        &grid.jsonl,
        &grid.parquet,
        &grid.html,
        &grid.p1203,
    ];
    overwrite::files(outputs.into_iter().flatten())?;
    match args.compat {
        Some(peer) => compat::run(args, peer),
        None if args.is_grid() => grid::run(args),
        None => single::run(args),
    }
}
