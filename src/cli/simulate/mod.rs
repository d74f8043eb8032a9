//! `promptus simulate`: titles over recorded networks in virtual time.
//!
//! Text goes to stderr; with `--json` one object per session goes to stdout. A session that starves
//! (its trace never delivers the whole title) has exit code 1.

mod args;
mod compat;
mod grid;
mod sessions;
mod single;

pub(super) use args::Args;

use super::{CliError, overwrite};

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let grid = &args.grid;
    let tables = [&grid.csv, &grid.jsonl, &grid.parquet];
    let outputs = tables.into_iter().chain([&grid.html, &grid.p1203]);
    overwrite::files(outputs.flatten())?;
    if let Some(peer) = args.compat {
        return compat::run(args, peer);
    }
    let grid = args.sessions()?;
    if args.is_grid() {
        grid::run(args, &grid)
    } else {
        single::run(args, &grid)
    }
}
