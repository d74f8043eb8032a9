//! What an encode prints before it begins: its input, its title, and their cost.

use super::args::Args;
use crate::cli::CliError;
use crate::source::Source;
use crate::store::is_url;
use crate::time::FrameRate;
use crate::transcode::{Estimate, Job, Memory, bytes_text, duration_text};
use std::path::Path;

/// Prints input, title and cost on stderr.
pub(super) fn announce(
    args: &Args,
    job: &Job<'_>,
    source: &Source,
    estimate: &Estimate,
    memory: Memory,
) {
    let (width, height) = source.size();
    let (input, rate) = (args.input.display(), fps(source.frame_rate()));
    let length = source.length().map(|frames| {
        let seconds = duration_text(frames as f64 / source.frame_rate().fps());
        format!("{frames} frames ({seconds})")
    });
    let known = length.as_deref().unwrap_or("length unknown");
    eprintln!("{input}: {width}x{height}, {rate} fps, {known}");
    let (track, settings) = (&job.track, &job.settings);
    let (width, height) = track.visible;
    let ranks: Vec<String> = settings.fit.ranks.iter().map(usize::to_string).collect();
    let seconds = f64::from(settings.grid.longest) / track.frame_rate.fps();
    let (rate, rungs, ranks) = (fps(track.frame_rate), ranks.len(), ranks.join(", "));
    let preset = format!("{:?}", args.fitting.preset).to_lowercase();
    eprintln!(
        "{}: {width}x{height}, {rate} fps, {rungs} rungs (rank {ranks}), segments of {seconds:.1} s, preset {preset}",
        args.out,
    );
    eprintln!("{}", cost(source.length(), estimate, memory));
}

/// Time, bytes and memory, as far as they are known.
fn cost(frames: Option<u64>, estimate: &Estimate, memory: Memory) -> String {
    let mut parts = Vec::new();
    if let Some((frames, seconds)) = frames.zip(estimate.frame_s) {
        parts.push(format!("about {}", duration_text(frames as f64 * seconds)));
    }
    if frames.is_some() {
        parts.push(format!("about {}", bytes_text(estimate.title_bytes)));
    }
    let (bytes, workers) = (bytes_text(memory.bytes), memory.workers);
    parts.push(format!("{bytes} of memory with {workers} workers"));
    if memory.idle > 0 {
        let idle = memory.idle;
        parts.push(format!(
            "{idle} cores left idle to stay within that, --workers uses them"
        ));
    }
    parts.join(", ")
}

/// Fails if less than `needed` bytes are free where `out` is or will be made; a store is not asked.
pub(super) fn enough_space(out: &str, needed: u64) -> Result<(), CliError> {
    if is_url(out) {
        return Ok(());
    }
    let there = Path::new(out).ancestors().find(|path| path.exists());
    match fs4::available_space(there.unwrap_or(Path::new("."))) {
        Ok(free) if free < needed => {
            let (needed, free) = (bytes_text(needed), bytes_text(free));
            Err(CliError::input(format!(
                "{out}: needs about {needed}, {free} are free"
            )))
        }
        // Where the file system does not say, the write itself will.
        _ => Ok(()),
    }
}

/// A frame rate for people: `30`, `29.97`.
fn fps(rate: FrameRate) -> String {
    let text = format!("{:.2}", rate.fps());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_measured_where_the_title_will_be() {
        let root = tempfile::tempdir().unwrap();
        let out = format!("{}/new/title", root.path().display());
        enough_space(&out, 1).unwrap();
        let error = enough_space(&out, u64::MAX).unwrap_err().message();
        assert!(error.contains("new/title: needs about"), "{error}");
        assert!(error.ends_with(" are free"), "{error}");
    }
}
