//! What an encode prints when it is done: the title, and the effort that it took.

use crate::cli::publication::Published;
use crate::transcode::{Done, Effort, Shard, duration_text};
use serde::Serialize;
use std::time::Duration;

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

    /// The same as text on stderr, and what to do with the title at `out` next.
    pub(super) fn explain(&self, out: &str) {
        self.published.explain();
        let (time, rate) = (duration_text(self.seconds), self.seconds_per_second);
        eprintln!("encoded in {time}, {rate:.1} s per second of video");
        if !out.contains("://") {
            let out = quoted(out);
            eprintln!("next: promptus play {out}   (frames)   promptus serve {out}   (over HTTP)");
        }
    }
}

/// `path` as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+,@%".contains(c);
    if !path.is_empty() && !path.starts_with('-') && path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

/// The result of one shard of an encode.
#[derive(Serialize)]
pub(super) struct ShardReport {
    plan: String,
    shard: String,
    segments: usize,
    own: u32,
    kept: u32,
    passes: u64,
    visits: u64,
    seconds: f64,
}

impl ShardReport {
    pub(super) fn new(plan: String, shard: Shard, done: &Done, elapsed: Duration) -> Self {
        let Effort {
            segments,
            kept,
            passes,
            visits,
        } = done.effort;
        Self {
            plan,
            shard: shard.to_string(),
            segments: done.plan.segments.len(),
            own: segments,
            kept,
            passes,
            visits,
            seconds: elapsed.as_secs_f64(),
        }
    }

    /// The same as text on stderr.
    pub(super) fn explain(&self, place: &str) {
        let Self {
            plan,
            shard,
            segments,
            own,
            kept,
            seconds,
            ..
        } = self;
        eprintln!(
            "{place}/{plan}: shard {shard} has its {own} of {segments} segments, {kept} of them from before, in {seconds:.0} s"
        );
    }
}
