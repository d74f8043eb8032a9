//! `--compat`: sessions of re-enacted simulators.
//!
//! ```text
//! {"trace": "…", "movie": "…", "rule": "bolae", "options": {…},
//!  "metrics": {Sabre's names: figures}, "decisions": {"segment": […], "quality": […], …}}
//! ```

use super::Args;
use super::args::Peer;
use crate::cli::{CliError, json_line};
use crate::compat::{CompatError, pensieve, sabre};
use crate::network::trace::Trace;
use crate::simulate::grid::Player;
use crate::simulate::movie::Movie;
use crate::simulate::qoe::ExtraFigures;
use serde_json::{Value, json};
use std::sync::Arc;

/// Sabre's figures, in every row.
pub(super) const EXTRA: Option<ExtraFigures> = Some(sabre::figures);

/// One of Sabre's rules as a player, such as `bola+ao`.
pub(super) fn player(rule: &str) -> Result<Player, CliError> {
    Ok(Player::Other(Arc::new(rule.parse::<sabre::Sabre>()?)))
}

pub(super) fn run(args: &Args, peer: Peer) -> Result<(), CliError> {
    let multiplier = args.conditions()?.multiplier;
    let movies = args.movie.iter().map(|file| Movie::load(file));
    let movies = movies.collect::<Result<Vec<Movie>, _>>()?;
    let mut options: sabre::Options = args.sabre_args.parse()?;
    let rules: Vec<pensieve::Rule> = match peer {
        Peer::Sabre if args.rules.is_empty() => Vec::new(),
        Peer::Sabre => {
            let message = "--rules: --compat sabre takes its rule from --sabre-args";
            return Err(CliError::input(message));
        }
        Peer::Pensieve if multiplier != 1.0 || !args.sabre_args.is_empty() => {
            let message = "--multiplier, --sabre-args: cannot be used with --compat pensieve";
            return Err(CliError::input(message));
        }
        Peer::Pensieve if args.rules.is_empty() => {
            vec![pensieve::Rule::Bb, pensieve::Rule::RobustMpc]
        }
        Peer::Pensieve => {
            let rules = args.rules.iter().map(|rule| rule.parse());
            rules.collect::<Result<_, _>>()?
        }
    };
    options.multiplier *= multiplier;
    for trace in &args.corpus()? {
        for movie in &movies {
            if peer == Peer::Sabre {
                print(args, &of_sabre(trace, movie, &options)?)?;
            }
            for &rule in &rules {
                print(args, &of_pensieve(trace, movie, rule)?)?;
            }
        }
    }
    Ok(())
}

fn of_sabre(trace: &Trace, movie: &Movie, options: &sabre::Options) -> Result<Value, CliError> {
    let session = sabre::run(trace, movie, options).map_err(failure)?;
    Ok(
        json!({"trace": trace.name(), "movie": movie.name(), "rule": options.abr,
        "options": options, "metrics": session.metrics, "decisions": session.decisions}),
    )
}

fn of_pensieve(trace: &Trace, movie: &Movie, rule: pensieve::Rule) -> Result<Value, CliError> {
    let session = pensieve::run(trace, movie, rule).map_err(failure)?;
    Ok(
        json!({"trace": trace.name(), "movie": movie.name(), "rule": rule,
        "options": {}, "metrics": session.metrics(), "decisions": session}),
    )
}

/// Exit code 2 for a wrong option, 1 for a session that cannot end.
fn failure(error: CompatError) -> CliError {
    match error {
        CompatError::Option { .. } => error.into(),
        _ => CliError::check(error.to_string()),
    }
}

fn print(args: &Args, session: &Value) -> Result<(), CliError> {
    if args.json {
        return json_line::print(session);
    }
    let mut text = format!("{} over {}\n", session["movie"], session["trace"]);
    for (name, value) in session["metrics"].as_object().into_iter().flatten() {
        text += &format!("{name}: {value}\n");
    }
    eprint!("{text}");
    Ok(())
}
