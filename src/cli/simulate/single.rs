//! One session after the other, each reported in full.

use super::Args;
use crate::cli::{CliError, session_args};
use crate::player::session::Session;
use crate::report::{Context, Network, Report, Verdict};
use crate::simulate::driver;
use crate::simulate::link::Link;
use crate::simulate::subject::Subject;
use crate::simulate::trace::Trace;
use std::sync::Arc;

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let traces = args.corpus()?;
    args.network.conditions()?;
    for subject in &args.subjects()? {
        for trace in &traces {
            play(args, subject, trace)?;
        }
    }
    Ok(())
}

fn play(args: &Args, subject: &Subject, trace: &Trace) -> Result<(), CliError> {
    let conditions = args.network.fitted(trace, subject)?;
    let options = args.session.options(&subject.ladder)?;
    let session = Session::new(Arc::clone(&subject.ladder), &options);
    let run = driver::run(session, &Link::under(trace, &conditions)?);
    let context = Context {
        command: "simulate",
        title: subject.name.clone(),
        profile: subject.profile.clone(),
        options,
        trace: Some(Network {
            name: trace.name().to_owned(),
            multiplier: conditions.multiplier,
        }),
        verdict: match run.starved_by {
            None => Verdict::Finished,
            Some(_) => Verdict::Starved,
        },
        overhead_bytes: 0,
        rendering: None,
    };
    let report = Report::new(context, &subject.ladder, run.log);
    session_args::print(&report, args.json)?;
    match run.starved_by {
        None => Ok(()),
        Some(segment) => Err(CliError::check(format!(
            "{}: the trace carries nothing, segment {segment} never arrives",
            trace.name()
        ))),
    }
}
