//! Many sessions: a summary, and files with the figures of each.

use super::Args;
use crate::cli::{CliError, atomic_write, json_line};
use crate::report::Columns;
use crate::simulate::grid::{Grid, Row, page, text};
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Instant;

const LEADING: [&str; 5] = ["title", "trace", "rule", "seed", "verdict"];

pub(super) fn run(args: &Args, grid: &Grid) -> Result<(), CliError> {
    let sessions = grid.sessions();
    let style = "{bar:30} {percent} % {pos}/{len} sessions, {eta} left";
    let style = ProgressStyle::with_template(style);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(sessions as u64).with_style(style);
    let began = Instant::now();
    let rows = grid.run(&|done| bar.inc(done as u64))?;
    bar.finish_and_clear();
    eprint!("{}", text(grid, &rows));
    let starved = rows.iter().filter(|row| row.verdict == "starved").count();
    if starved > 0 {
        eprintln!("{starved} sessions starved: their traces never deliver the whole title");
    }
    let (took_s, threads) = (began.elapsed().as_secs_f64(), grid.threads);
    eprintln!("{sessions} sessions in {took_s:.2} s on {threads} threads");
    write(args, &rows)?;
    if let Some(file) = &args.grid.html {
        let command: Vec<String> = std::env::args().skip(1).collect();
        let page = page(grid, &rows, &format!("promptus {}", command.join(" ")))?;
        atomic_write::write(file, page.html().as_bytes())?;
    }
    if args.json {
        rows.iter().try_for_each(json_line::print)?;
    }
    Ok(())
}

fn write(args: &Args, rows: &[Row]) -> Result<(), CliError> {
    let files = &args.grid;
    let columns = Columns::of(rows, &LEADING)?;
    let columns = columns.with_places("lpips_squeeze_over", &files.thresholds);
    if let Some(file) = &files.csv {
        atomic_write::write(file, columns.csv().as_bytes())?;
    }
    if let Some(file) = &files.jsonl {
        let lines = rows.iter().map(serde_json::to_string);
        let lines = lines.collect::<Result<Vec<_>, _>>()?;
        atomic_write::write(file, (lines.join("\n") + "\n").as_bytes())?;
    }
    if let Some(file) = &files.parquet {
        atomic_write::write(file, &columns.parquet()?)?;
    }
    Ok(())
}
