//! Many sessions: titles × traces × rules × seeds, summed up and written out.

use super::{Args, output, table};
use crate::cli::{CliError, atomic_write};
use crate::player::abr::Abr;
use crate::simulate::compat::sabre;
use crate::simulate::grid::{Grid, Player, page};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, Write};
use std::thread;
use std::time::Instant;

/// More sessions at once would fill the memory.
const MOST_SESSIONS: usize = 1_000_000;

/// The name of the rule for titles in layers.
pub(super) const LAYERS: &str = "layers";

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let grid = grid(args)?;
    let sessions = grid.sessions();
    let style =
        ProgressStyle::with_template("{bar:30} {percent} % {pos}/{len} sessions, {eta} left");
    let bar = ProgressBar::new(sessions as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let began = Instant::now();
    let rows = grid.run(&|done| bar.inc(done as u64))?;
    bar.finish_and_clear();
    eprint!("{}", table::text(&grid, &rows));
    let starved = rows.iter().filter(|row| row.verdict == "starved").count();
    if starved > 0 {
        eprintln!("{starved} sessions starved: their traces never deliver it all");
    }
    let took_s = began.elapsed().as_secs_f64();
    eprintln!(
        "{sessions} sessions in {took_s:.2} s on {} threads",
        grid.threads
    );
    output::write(args, &rows)?;
    if let Some(file) = &args.grid.html {
        let command: Vec<String> = std::env::args().skip(1).collect();
        let page = page(&grid, &rows, &format!("promptus {}", command.join(" ")))?;
        atomic_write::write(file, page.html().as_bytes())?;
    }
    if args.json {
        let mut out = io::stdout().lock();
        for row in &rows {
            writeln!(out, "{}", serde_json::to_string(row)?)?;
        }
    }
    Ok(())
}

fn grid(args: &Args) -> Result<Grid, CliError> {
    let subjects = args.subjects()?;
    let first = subjects.first().map(|subject| &subject.ladder);
    let ladder = first.ok_or_else(|| CliError::input("nothing to stream"))?;
    let (options, traces, players) = (
        args.session.options(ladder)?,
        args.corpus()?,
        players(&args.rules)?,
    );
    let seeds = args.grid.seeds;
    let factors = [subjects.len(), traces.len(), players.len(), seeds as usize];
    let sessions = factors.iter().try_fold(1, |n: usize, f| n.checked_mul(*f));
    if sessions.is_none_or(|sessions| sessions > MOST_SESSIONS) {
        return Err(CliError::input(format!(
            "--seeds {seeds}: {} titles, {} traces and {} rules make more than {MOST_SESSIONS} sessions",
            subjects.len(),
            traces.len(),
            players.len()
        )));
    }
    Ok(Grid {
        options,
        fit_to: args.network.fit_to(&subjects)?,
        subjects,
        traces,
        players,
        seeds,
        conditions: args.network.conditions()?,
        thresholds: args.grid.thresholds.clone(),
        oracle_plans: args.grid.oracle_plans_of_grid(),
        threads: thread::available_parallelism().map_or(1, usize::from),
    })
}

/// `all`, names of rules, and `sabre:` with a rule of Sabre's, `+` before each further option.
fn players(names: &[String]) -> Result<Vec<Player>, CliError> {
    let mut players = Vec::new();
    for name in names {
        if name == "all" {
            players.extend(Abr::all().map(Player::Own));
        } else if name == LAYERS {
            players.push(Player::Layers);
        } else if let Some(rule) = name.strip_prefix("sabre:") {
            let line = format!("-a {}", rule.replace('+', " -"));
            let options = sabre::options::Options::parse(&line)?;
            players.push(Player::Sabre(name.clone(), Box::new(options)));
        } else {
            players.push(Player::Own(name.parse()?));
        }
    }
    if players.is_empty() {
        players.push(Player::Own(Abr::default()));
    }
    Ok(players)
}
