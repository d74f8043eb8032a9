//! What an encode prints when it is done: the title, and the effort that it took.

use crate::cli::publication::Published;
use crate::transcode::{Effort, duration_text};
use serde::Serialize;

/// The result of an encode that ends in a title.
#[derive(Serialize)]
pub(super) struct Report {
    #[serde(flatten)]
    pub(super) published: Published,
    #[serde(flatten)]
    pub(super) effort: Effort,
    pub(super) seconds: f64,
    pub(super) seconds_per_second: f64,
}

impl Report {
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
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

/// The result of one shard of an encode.
#[derive(Serialize)]
pub(super) struct ShardReport {
    pub(super) plan: String,
    pub(super) shard: String,
    pub(super) segments: usize,
    #[serde(flatten)]
    pub(super) effort: Effort,
    pub(super) seconds: f64,
}

impl ShardReport {
    /// The same as text on stderr.
    pub(super) fn explain(&self, place: &str) {
        let (Effort { own, kept, .. }, seconds) = (self.effort, self.seconds);
        eprintln!(
            "{place}/{}: shard {} has its {own} of {} segments, {kept} of them from before, in {seconds:.0} s",
            self.plan, self.shard, self.segments
        );
    }
}
