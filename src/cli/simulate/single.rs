//! One session after the other, each with a full report.

use super::Args;
use crate::cli::{CliError, json_line, session_args, whole_file};
use crate::player::log::Overhead;
use crate::report::{Context, Network, Report, Verdict};
use crate::simulate::content::Picture;
use crate::simulate::grid::{Grid, Outcome, Player, Unit};
use crate::simulate::qoe::{self, Figures};
use std::path::Path;

/// Pictures of content without a known size, for --p1203.
const PICTURE: Picture = Picture {
    width: 1920,
    height: 1080,
    fps: 30.0,
};

pub(super) fn run(args: &Args, grid: &Grid) -> Result<(), CliError> {
    for number in 0..grid.units() {
        let unit = grid.unit(number)?;
        if grid.fit_to.is_some() {
            let (name, factor) = (unit.trace.name(), unit.conditions.multiplier);
            eprintln!("{name}: multiplied by {factor:.6} to fit the ladder");
        }
        play(args, grid, &unit)?;
    }
    Ok(())
}

fn play(args: &Args, grid: &Grid, unit: &Unit<'_>) -> Result<(), CliError> {
    let outcome = grid.session(unit, &Player::Own(grid.options.abr))?;
    let optimum = grid.optimum(unit, &unit.content.ladder);
    let figures = grid.figures(unit, &outcome, optimum);
    if let Some(file) = &args.grid.p1203 {
        export(args, file, unit, &outcome)?;
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
        verdict: match starved_by {
            None => Verdict::Finished,
            Some(_) => Verdict::Starved,
        },
        overhead: Overhead::default(),
        weights_bytes: 0,
        opening_s: None,
        rendering: None,
    };
    let log = outcome.log.unwrap_or_default();
    let report = Report::new(context, &unit.content.ladder, log);
    session_args::print(&report, false)?;
    eprintln!("{}", text(&figures));
    if args.json {
        let mut json = serde_json::to_value(&report)?;
        json["qoe"] = serde_json::to_value(&figures)?;
        json_line::print(&json)?;
    }
    match starved_by {
        None => Ok(()),
        Some(segment) => Err(CliError::check(format!(
            "{}: the trace carries too little: segment {segment} never arrives",
            unit.trace.name()
        ))),
    }
}

fn text(figures: &Figures) -> String {
    let mut text = format!(
        "QoE_lin {:.4}, QoE_log {:.4}",
        figures.qoe_lin, figures.qoe_log
    );
    if let Some(score) = figures.extra("score") {
        text += &format!(", Sabre score {score:.4}");
    }
    if let (Some(best), Some(gap)) = (figures.oracle_qoe_lin, figures.oracle_gap) {
        text += &format!("; oracle {best:.4}, gap {gap:.4}");
    }
    if let (Some(mean), Some(p95)) = (figures.lpips_squeeze, figures.lpips_squeeze_p95) {
        text += &format!("; LPIPS (squeeze) {mean:.4}, p95 {p95:.4}");
    }
    text
}

fn export(args: &Args, file: &Path, unit: &Unit<'_>, outcome: &Outcome) -> Result<(), CliError> {
    let codec = args.grid.p1203_codec.as_deref().unwrap_or("h264");
    let picture = unit.content.picture.unwrap_or(PICTURE);
    let json = qoe::p1203(&outcome.timeline, &unit.content.ladder, codec, picture);
    whole_file::write(file, json.to_string().as_bytes())
}
