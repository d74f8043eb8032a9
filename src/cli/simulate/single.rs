//! One session after the other, each reported in full.

use super::Args;
use crate::cli::{CliError, atomic_write, session_args};
use crate::network::conditions::Conditions;
use crate::network::link::Link;
use crate::network::trace::Trace;
use crate::player::log::Overhead;
use crate::player::session::Session;
use crate::report::{Context, Network, Report, Verdict};
use crate::simulate::fit::FitTo;
use crate::simulate::qoe::{self, Figures, Setting, Timeline};
use crate::simulate::subject::Subject;
use crate::simulate::{driver, oracle};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let traces = args.corpus()?;
    args.network.conditions()?;
    let subjects = args.subjects()?;
    let fit_to = args.network.fit_to(&subjects)?;
    for subject in &subjects {
        let model = fit_to.map(|fit_to| match fit_to {
            FitTo::Each => subject,
            FitTo::One(number) => &subjects[number],
        });
        for trace in &traces {
            let conditions = args.network.fitted(trace, model)?;
            play(args, subject, trace, conditions)?;
        }
    }
    Ok(())
}

fn play(
    args: &Args,
    subject: &Subject,
    trace: &Trace,
    conditions: Conditions,
) -> Result<(), CliError> {
    let options = args.session.options(&subject.ladder)?;
    let session = Session::new(Arc::clone(&subject.ladder), &options);
    let link = Link::under(trace, &conditions)?;
    let run = driver::run(session, &link);
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
        overhead: Overhead::default(),
        weights_bytes: 0,
        opening_s: None,
        rendering: None,
    };
    let timeline = Timeline::of_log(&run.log, &subject.ladder, context.options.start_s);
    let figures = figures(args, subject, &link, (&timeline, &context));
    if let Some(file) = &args.grid.p1203 {
        export(args, file, (subject, &timeline))?;
    }
    let report = Report::new(context, &subject.ladder, run.log);
    session_args::print(&report, false)?;
    say(&figures);
    if args.json {
        let mut json = serde_json::to_value(&report)?;
        json["qoe"] = serde_json::to_value(&figures)?;
        writeln!(io::stdout().lock(), "{json}")?;
    }
    match run.starved_by {
        None => Ok(()),
        Some(segment) => Err(CliError::check(format!(
            "{}: the trace carries nothing, segment {segment} never arrives",
            trace.name()
        ))),
    }
}

fn figures(
    args: &Args,
    subject: &Subject,
    link: &Link,
    (timeline, context): (&Timeline, &Context),
) -> Figures {
    let buffer_s = context.options.buffer_s;
    let figures = Figures::of(
        timeline,
        &Setting {
            ladder: &subject.ladder,
            quality: subject.quality.as_ref(),
            link,
            buffer_s,
            thresholds: &args.grid.thresholds,
        },
    );
    // A session from the middle of a title has an optimum of its own, which is not worked out.
    let whole = context.verdict == Verdict::Finished && context.options.start_s == 0.0;
    let most = args.grid.oracle_plans().filter(|_| whole);
    match most.and_then(|most| oracle::qoe_lin(&subject.ladder, link, buffer_s, most)) {
        Some(best) => figures.beside_oracle(best),
        None => figures,
    }
}

/// A few of the figures as text.
fn say(figures: &Figures) {
    let mut text = format!(
        "QoE_lin {:.4}, QoE_log {:.4}, Sabre score {:.4}",
        figures.qoe_lin, figures.qoe_log, figures.score
    );
    if let (Some(best), Some(gap)) = (figures.oracle_qoe_lin, figures.oracle_gap) {
        let _ = write!(text, "; oracle {best:.4}, gap {gap:.4}");
    }
    if let (Some(mean), Some(p95)) = (figures.lpips_squeeze, figures.lpips_squeeze_p95) {
        let _ = write!(text, "; LPIPS (squeeze) {mean:.4}, p95 {p95:.4}");
    }
    eprintln!("{text}");
}

fn export(
    args: &Args,
    file: &Path,
    (subject, timeline): (&Subject, &Timeline),
) -> Result<(), CliError> {
    let codec = args.grid.p1203_codec.as_deref().unwrap_or("h264");
    let picture = subject.picture.unwrap_or(((1920, 1080), 30.0));
    let json = qoe::p1203(timeline, &subject.ladder, codec, picture);
    atomic_write::write(file, json.to_string().as_bytes())
}
