//! What an encode tells when it is done: effort, and what came of it.

use super::share::Shard;
use super::watch::span;
use crate::cli::publication::Published;
use crate::package::work::Plan;
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// Planned work, and what the segments that were fitted in this run took.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Effort {
    /// Segments of the share.
    pub(super) segments: u32,
    /// Those of them that were found done.
    pub(super) kept: u32,
    /// Passes over the keyframes, summed over segments.
    pub(super) passes: u64,
    /// Frames generated.
    pub(super) visits: u64,
}

/// The result of an encode that ends in a title.
#[derive(Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    published: Published,
    passes: u64,
    visits: u64,
    seconds: f64,
    seconds_per_second: f64,
}

impl Report {
    pub(super) fn new(published: Published, effort: Effort, elapsed: Duration) -> Self {
        let seconds = elapsed.as_secs_f64();
        Self {
            passes: effort.passes,
            visits: effort.visits,
            seconds,
            seconds_per_second: seconds / published.duration_s,
            published,
        }
    }

    /// The same for people, on stderr, and what to do with the title at `out` next.
    pub(super) fn explain(&self, out: &Path) {
        self.published.explain();
        eprintln!(
            "encoded in {}, {:.1} s per second of video",
            span(self.seconds),
            self.seconds_per_second
        );
        let out = quoted(&out.to_string_lossy());
        eprintln!("next: promptus play {out}   (frames)   promptus serve {out}   (over HTTP)");
    }
}

/// `path` as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+,@%".contains(c);
    match !path.is_empty() && !path.starts_with('-') && path.chars().all(plain) {
        true => path.to_owned(),
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}

/// The result of one share of an encode.
#[derive(Serialize)]
pub(super) struct ShareReport {
    plan: String,
    shard: String,
    segments: usize,
    own: u32,
    kept: u32,
    passes: u64,
    visits: u64,
    seconds: f64,
}

impl ShareReport {
    pub(super) fn new(
        name: String,
        shard: Shard,
        plan: &Plan,
        effort: Effort,
        elapsed: Duration,
    ) -> Self {
        Self {
            plan: name,
            shard: shard.to_string(),
            segments: plan.segments.len(),
            own: effort.segments,
            kept: effort.kept,
            passes: effort.passes,
            visits: effort.visits,
            seconds: elapsed.as_secs_f64(),
        }
    }

    /// The same for people, on stderr.
    pub(super) fn explain(&self, place: &str) {
        let Self {
            shard,
            own,
            segments,
            kept,
            seconds,
            plan,
            ..
        } = self;
        eprintln!(
            "{place}/{plan}: share {shard} is done, {own} of {segments} segments, {kept} of them found done, in {seconds:.0} s"
        );
    }
}
