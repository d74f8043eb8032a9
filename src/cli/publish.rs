//! `promptus publish`: the shares of an encode, put together into a title.
//!
//! Needs nothing but what `promptus encode --shard` left: no input, no weights, no GPU. As long as
//! segments are missing it says which and ends with exit code 1. With `--json` one object on
//! stdout: `title`, `hash`, `frames`, `segments`, `duration_s`, and `rungs` (and `layers`, if asked
//! for) with `id`, `rank`, `kbps`, `bytes` and the metrics that were measured.

use super::publication::{Destination, from_store};
use super::{CliError, json_line, overwrite};
use crate::package::work::{Plan, WorkStore};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of `promptus publish`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where `promptus encode --shard` keeps the finished segments: a folder or s3://BUCKET/PREFIX.
    #[arg(long, value_name = "PLACE")]
    from: String,
    /// Folder of the title, made if it is missing.
    #[arg(long, value_name = "TITLE")]
    out: PathBuf,
    /// The plan to publish, where the place holds those of several inputs or settings.
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// Also publish what each rung adds to the one below it as files of their own.
    #[arg(long)]
    layers: bool,
    /// Hours for which files of an earlier edition of the title stay.
    #[arg(long, default_value_t = 24, value_name = "HOURS")]
    keep_old: u32,
    /// Print one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs `promptus publish`.
pub(super) fn run(args: &Args) -> Result<(), CliError> {
    overwrite::title(&args.out)?;
    let folder = Path::new(&args.from);
    if !args.from.contains("://") && !folder.is_dir() {
        let message = format!("{}: there is no such folder", args.from);
        return Err(CliError::input(message));
    }
    let store = WorkStore::open(&args.from)?;
    let plan = choose(&store, args.plan.as_deref())?;
    let destination = Destination {
        folder: &args.out,
        layers: args.layers,
        keep: Duration::from_secs(3600 * u64::from(args.keep_old)),
    };
    let published = from_store(&store, &plan, &destination)?;
    published.explain();
    if args.json {
        json_line::print(&published)?;
    }
    Ok(())
}

/// The plan called `wanted`, or the only one.
fn choose(store: &WorkStore, wanted: Option<&str>) -> Result<Plan, CliError> {
    let mut plans = store.plans()?;
    if let Some(wanted) = wanted {
        plans.retain(|(name, _)| name == wanted);
    }
    let place = store.name();
    if plans.len() > 1 {
        let names = plans.iter().map(|(name, plan)| {
            let (segments, setting) = (plan.segments.len(), &plan.setting);
            format!("\n  {name}: {segments} segments, {setting}")
        });
        let names: String = names.collect();
        let message = format!(
            "{place}: shares of several inputs or settings lie here, choose with --plan:{names}"
        );
        return Err(CliError::input(message));
    }
    match (plans.pop(), wanted) {
        (Some((_, plan)), _) => Ok(plan),
        (None, Some(wanted)) => Err(CliError::input(format!("{place}: there is no {wanted}"))),
        (None, None) => Err(CliError::check(format!(
            "{place}: there is no plan yet: no share has read its input to the end"
        ))),
    }
}
