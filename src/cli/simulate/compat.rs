//! `--compat`: sessions of re-enacted simulators.
//!
//! ```text
//! {"trace": "…", "movie": "…", "rule": "bolae", "options": {…},
//!  "metrics": {Sabre's names: figures}, "decisions": {"segment": […], "quality": […], …}}
//! ```

use super::Args;
use super::args::Peer;
use crate::cli::{CliError, json_line};
use crate::compat::{CompatError, columns, pensieve, sabre};
use crate::network::trace::Trace;
use crate::simulate::movie::Movie;
use serde_json::{Value, json};

pub(super) fn run(args: &Args, peer: Peer) -> Result<(), CliError> {
    let multiplier = args.conditions().multiplier;
    let movies = args.movie.iter().map(|file| Movie::load(file));
    let movies = movies.collect::<Result<Vec<Movie>, _>>()?;
    let mut options: sabre::Options = args.sabre_args.parse()?;
    options.multiplier *= multiplier;
    let named = args.rules.iter().map(|rule| rule.parse());
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
        Peer::Pensieve => named.collect::<Result<_, _>>()?,
    };
    for trace in &args.corpus()? {
        for movie in &movies {
            if peer == Peer::Sabre {
                let session = sabre::run(trace, movie, &options).map_err(failure)?;
                let (metrics, decisions) = (session.metrics, columns(&session.decisions)?);
                let session = json!({"rule": options.abr, "options": options,
                    "metrics": metrics, "decisions": decisions});
                print(args, trace, movie, session)?;
            }
            for &rule in &rules {
                let rows = pensieve::run(trace, movie, rule).map_err(failure)?;
                let (metrics, decisions) = (pensieve::metrics(&rows), columns(&rows)?);
                let session = json!({"rule": rule, "options": {},
                    "metrics": metrics, "decisions": decisions});
                print(args, trace, movie, session)?;
            }
        }
    }
    Ok(())
}

/// Exit code 2 for a wrong option, 1 for a session that cannot end.
fn failure(error: CompatError) -> CliError {
    match error {
        CompatError::Option { .. } => error.into(),
        _ => CliError::check(error.to_string()),
    }
}

fn print(args: &Args, trace: &Trace, movie: &Movie, mut session: Value) -> Result<(), CliError> {
    session["trace"] = trace.name().into();
    session["movie"] = movie.name().into();
    if args.json {
        return json_line::print(&session);
    }
    let mut text = format!("{} over {}\n", session["movie"], session["trace"]);
    for (name, value) in session["metrics"].as_object().into_iter().flatten() {
        text += &format!("{name}: {value}\n");
    }
    eprint!("{text}");
    Ok(())
}
