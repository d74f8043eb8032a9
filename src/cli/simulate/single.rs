//! One session after the other, each with a full report.

use super::Args;
use crate::cli::{CliError, atomic_write, json_line, session_args};
use crate::player::log::Overhead;
use crate::report::{Context, Network, Report, Verdict};
use crate::simulate::grid::{FitTo, Grid, Player, Unit};
use crate::simulate::qoe;

pub(super) fn run(args: &Args, grid: &Grid) -> Result<(), CliError> {
    for number in 0..grid.units() {
        let unit = grid.unit(number)?;
        if let Some(fit_to) = grid.fit_to {
            let (name, factor) = (unit.trace.name(), unit.conditions.multiplier);
            let ladder = match fit_to {
                FitTo::Each => &unit.content.name,
                FitTo::One(index) => &grid.contents[index].name,
            };
            eprintln!("{name}: multiplied by {factor:.6} to fit {ladder}");
        }
        play(args, grid, &unit)?;
    }
    Ok(())
}

fn play(args: &Args, grid: &Grid, unit: &Unit<'_>) -> Result<(), CliError> {
    let outcome = grid.session(unit, &Player::Abr(grid.options.abr))?;
    let optimum = grid.optimum(unit, &unit.content.ladder);
    let figures = grid.figures(unit, &outcome, optimum);
    if let Some(file) = &args.grid.p1203 {
        let codec = args.grid.p1203_codec.as_deref().unwrap_or("h264");
        let (picture, ladder) = (
            unit.content.picture.unwrap_or_default(),
            &unit.content.ladder,
        );
        let json = qoe::p1203(&outcome.timeline, ladder, codec, picture);
        atomic_write::write(file, json.to_string().as_bytes())?;
    }
    let starved_by = outcome.starved_by;
    let context = Context {
        command: "simulate",
        title: unit.content.name.clone(),
        profile: unit.content.profile.clone(),
        options: grid.options,
        trace: Some(Network {
            name: unit.trace.name().to_owned(),
            multiplier: unit.conditions.multiplier,
        }),
        verdict: starved_by.map_or(Verdict::Finished, |_| Verdict::Starved),
        overhead: Overhead::default(),
        weights_bytes: 0,
        opening_s: None,
        rendering: None,
    };
    let log = outcome.log.unwrap_or_default();
    let report = Report::new(context, &unit.content.ladder, log);
    session_args::print(&report, false)?;
    eprintln!("{figures}");
    if args.json {
        let mut json = serde_json::to_value(&report)?;
        json["qoe"] = serde_json::to_value(&figures)?;
        json_line::print(&json)?;
    }
    let Some(segment) = starved_by else {
        return Ok(());
    };
    let trace = unit.trace.name();
    let problem = format!("the trace carries too little: segment {segment} never arrives");
    Err(CliError::check(format!("{trace}: {problem}")))
}
