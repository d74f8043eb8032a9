//! `--compat`: sessions as other simulators would have them.
//!
//! ```text
//! {"trace": "…", "movie": "…", "rule": "bolae", "options": {…},
//!  "metrics": {Sabre's names: figures}, "decisions": {"segment": […], "quality": […], …}}
//! ```

use super::Args;
use super::args::Peer;
use crate::cli::{CliError, json_line};
use crate::network::trace::Trace;
use crate::player::utility::Utility;
use crate::simulate::compat::{CompatError, pensieve, sabre};
use crate::simulate::movie::Movie;
use serde::Serialize;
use serde_json::Value;
use std::io::{self, Write};

/// One session, as `--json` prints it.
#[derive(Serialize)]
struct Line<'a> {
    trace: &'a str,
    movie: &'a str,
    rule: Value,
    options: Value,
    metrics: Value,
    decisions: Value,
}

pub(super) fn run(args: &Args, peer: Peer) -> Result<(), CliError> {
    let conditions = args.network.conditions()?;
    refuse_idle(args, peer)?;
    if args.title.is_some() || args.movie.is_empty() {
        return Err(CliError::input("--compat needs --movie FILE and no title"));
    }
    let movies = args.movie.iter().map(|file| Movie::load(file));
    let movies = movies.collect::<Result<Vec<Movie>, _>>()?;
    let rules = pensieve_rules(args)?;
    let mut options = sabre::options::Options::parse(&args.sabre_args)?;
    options.multiplier *= conditions.multiplier;
    for trace in &args.corpus()? {
        for movie in &movies {
            if peer == Peer::Sabre {
                print(args, &of_sabre(trace, movie, &options)?)?;
                continue;
            }
            for &rule in &rules {
                print(args, &of_pensieve(trace, movie, rule)?)?;
            }
        }
    }
    Ok(())
}

/// Refuses options that would change nothing: the peers have no such thing.
fn refuse_idle(args: &Args, peer: Peer) -> Result<(), CliError> {
    let (network, grid) = (&args.network, &args.grid);
    let given = [
        ("--fit-to-ladder", network.fit_to_ladder.is_some()),
        ("--offset", network.offset != 0.0),
        ("--once", network.once),
        ("--latency", network.latency.is_some()),
        ("--overhead", network.overhead != 0),
        (
            "--multiplier",
            peer == Peer::Pensieve && network.multiplier != 1.0,
        ),
        (
            "--sabre-args",
            peer == Peer::Pensieve && !args.sabre_args.is_empty(),
        ),
        ("--length", args.length.is_some()),
        ("--utility", args.utility != Utility::default()),
        ("--titles", !grid.titles.is_empty()),
        ("--ladder", !grid.ladder.is_empty()),
        ("--seeds", grid.seeds != 1),
        ("--csv", grid.csv.is_some()),
        ("--jsonl", grid.jsonl.is_some()),
        ("--parquet", grid.parquet.is_some()),
        ("--html", grid.html.is_some()),
        ("--p1203", grid.p1203.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((option, _)) => Err(CliError::input(format!(
            "{option} has no meaning with --compat"
        ))),
    }
}

fn pensieve_rules(args: &Args) -> Result<Vec<pensieve::Rule>, CliError> {
    if args.compat == Some(Peer::Sabre) && !args.rules.is_empty() {
        return Err(CliError::input(
            "--compat sabre takes its rule from --sabre-args, not --rules",
        ));
    }
    let rule = |name: &String| match name.as_str() {
        "bb" => Ok(pensieve::Rule::Bb),
        "robust-mpc" => Ok(pensieve::Rule::RobustMpc),
        _ => Err(CliError::input(format!(
            "--rules {name}: Pensieve's are bb and robust-mpc"
        ))),
    };
    let rules = args.rules.iter().map(rule).collect::<Result<Vec<_>, _>>()?;
    Ok(if rules.is_empty() {
        vec![pensieve::Rule::Bb, pensieve::Rule::RobustMpc]
    } else {
        rules
    })
}

fn of_sabre<'a>(
    trace: &'a Trace,
    movie: &'a Movie,
    options: &sabre::options::Options,
) -> Result<Line<'a>, CliError> {
    let session = sabre::run(trace, movie, options).map_err(verdict)?;
    Ok(Line {
        trace: trace.name(),
        movie: movie.name(),
        rule: serde_json::to_value(options.abr)?,
        options: serde_json::to_value(options)?,
        metrics: serde_json::to_value(session.metrics)?,
        decisions: serde_json::to_value(session.decisions)?,
    })
}

fn of_pensieve<'a>(
    trace: &'a Trace,
    movie: &'a Movie,
    rule: pensieve::Rule,
) -> Result<Line<'a>, CliError> {
    let session = pensieve::run(trace, movie, rule).map_err(verdict)?;
    Ok(Line {
        trace: trace.name(),
        movie: movie.name(),
        rule: serde_json::to_value(rule)?,
        options: Value::Object(serde_json::Map::new()),
        metrics: serde_json::to_value(session.metrics())?,
        decisions: serde_json::to_value(session)?,
    })
}

/// A session that cannot end is a finding; a wrong option is a mistake.
fn verdict(error: CompatError) -> CliError {
    match error {
        CompatError::Option { .. } => error.into(),
        _ => CliError::check(error.to_string()),
    }
}

fn print(args: &Args, line: &Line<'_>) -> Result<(), CliError> {
    if args.json {
        json_line::print(line)?;
        return Ok(());
    }
    let mut out = io::stderr().lock();
    writeln!(out, "{} over {}", line.movie, line.trace)?;
    for (name, value) in line.metrics.as_object().into_iter().flatten() {
        writeln!(out, "{name}: {value}")?;
    }
    Ok(())
}
