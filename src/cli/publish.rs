//! `promptus publish`: the shards of an encode, assembled into a title.
//!
//! Needs only what `promptus encode --shard` left: no input, no weights, no GPU. As long as
//! segments are missing it lists them and ends with exit code 1. With `--json` one object on
//! stdout: `title`, `hash`, `frames`, `segments`, `duration_s`, and `rungs` (and `layers`, if asked
//! for) with `id`, `rank`, `kbps`, `bytes` and the metrics that were measured.

use super::publication::Published;
use super::{CliError, json_line, overwrite};
use crate::package::Destination;
use crate::package::work::{Assembly, Plan, WorkStore, assemble};
use crate::store::is_url;
use std::path::Path;
use std::time::Duration;

/// Arguments of `promptus publish`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Place that `promptus encode --shard` put segments into: a folder or s3://BUCKET/PREFIX
    /// (gs://, az://).
    #[arg(long, value_name = "PLACE")]
    from: String,
    /// Title to publish: a folder, made if it is missing, or s3://BUCKET/TITLE (gs://, az://).
    #[arg(long, value_name = "TITLE")]
    out: String,
    /// Name of the plan to publish, where the place holds several.
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// Also publish the difference between neighbouring rungs, for players that fetch upgrades.
    #[arg(long)]
    layers: bool,
    #[command(flatten)]
    keep: KeepOld,
    /// Print one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

/// How long files of earlier editions stay; an option of every command that publishes.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct KeepOld {
    /// Hours for which files of a replaced edition of the title stay, for players still reading
    /// them.
    #[arg(long, default_value_t = 24, value_name = "HOURS")]
    keep_old: u32,
}

impl KeepOld {
    pub(super) fn duration(self) -> Duration {
        Duration::from_secs(3600 * u64::from(self.keep_old))
    }
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let title = Destination::open(&args.out)?;
    overwrite::title(&title)?;
    if !is_url(&args.from) && !Path::new(&args.from).is_dir() {
        let message = format!("{}: expected a folder or a URL", args.from);
        return Err(CliError::input(message));
    }
    let store = WorkStore::open(&args.from)?;
    let plan = choose(&store, args.plan.as_deref())?;
    let assembly = title_of(&store, &plan, args.layers)?;
    finish(&title, &args.out, &assembly, args.keep, args.json)
}

/// Publishes a title at `place`, which the user calls `name`, and reports it.
pub(super) fn finish(
    place: &Destination,
    name: &str,
    title: &Assembly,
    keep: KeepOld,
    json: bool,
) -> Result<(), CliError> {
    place.publish(&title.files, keep.duration())?;
    let published = Published::new(name.as_ref(), title);
    published.explain();
    match json {
        true => json_line::print(&published),
        false => Ok(()),
    }
}

/// The title of `plan`. Fails with exit code 1, naming them, while segments are missing.
pub(super) fn title_of(store: &WorkStore, plan: &Plan, layers: bool) -> Result<Assembly, CliError> {
    let missing = store.missing(plan)?;
    if !missing.is_empty() {
        let message = format!(
            "{}: {} of {} segments are missing (numbers from 0; of N shards, segment k is in shard k mod N): {}",
            store.name(),
            missing.len(),
            plan.segments.len(),
            ranges(&missing)
        );
        return Err(CliError::check(message));
    }
    let segment = |number: usize| store.expect_segment(&plan.segments[number].name);
    Ok(assemble(plan, layers, segment)?)
}

/// Ascending numbers as text, runs as `first-last`.
fn ranges(numbers: &[usize]) -> String {
    let runs = numbers.chunk_by(|a, b| a + 1 == *b);
    let runs = runs.map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        _ => run.iter().map(usize::to_string).collect(),
    });
    runs.collect::<Vec<_>>().join(", ")
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
            "{place}: holds shards of several inputs or settings, choose with --plan:{names}"
        );
        return Err(CliError::input(message));
    }
    match (plans.pop(), wanted) {
        (Some((_, plan)), _) => Ok(plan),
        (None, Some(wanted)) => Err(CliError::input(format!("{place}: {wanted} is missing"))),
        (None, None) => Err(CliError::check(format!(
            "{place}: holds no plan yet: every shard is still reading its input"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn runs_are_abbreviated() {
        assert_eq!(ranges(&[0, 2, 3, 4, 9, 10]), "0, 2-4, 9-10");
        assert_eq!(ranges(&[]), "");
    }
}
