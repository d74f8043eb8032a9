//! What an encode says before it begins: what was read, what will be made, and what that takes.

use super::Args;
use super::estimate::{Speed, Work, size, text};
use super::job::Job;
use super::watch::span;
use crate::cli::CliError;
use crate::source::Source;
use crate::time::FrameRate;
use std::path::Path;

/// Media whose size is reserved where the length of the input is not known, in seconds.
const UNKNOWN_LENGTH_S: f64 = 60.0;

/// The announcement of one run.
pub(super) struct Announcement {
    lines: Vec<String>,
    frame_s: Option<f64>,
    fit_share: f64,
    /// Bytes that the title and the work folder will need.
    bytes: u64,
}

impl Announcement {
    /// Looks at the input, the options and the machine. Fails if the generator does.
    pub(super) fn new(job: &Job<'_>, source: &Source) -> Result<Self, CliError> {
        let work = Work {
            options: &job.options,
            interval: job.interval,
            sampling: job.args.fitting.sampling(job.args.no_measure),
            coded: job.track.coded,
            tokens: job.track.coding.shape.tokens,
            frame_rate: job.track.frame_rate,
            segment: job.grid.longest,
        };
        // Where there is no encoder network a single visit may take minutes.
        let speed = job.network.map(|network| {
            Speed::measured(
                (job.generator, Some(network)),
                (job.perceptual, job.scorer),
                &job.options,
                job.track.visible,
            )
        });
        let speed = speed.transpose()?;
        let frame_s = speed.map(|speed| work.frame_s(speed));
        let fps = work.frame_rate.fps();
        let frames = source.length();
        let (title, kept) = work.bytes(frames.unwrap_or((UNKNOWN_LENGTH_S * fps) as u64));
        let lines = vec![
            read_line(&job.args.input, source),
            made_line(job, &work),
            cost_line(job, frames.zip(frame_s), frames.map(|_| title)),
        ];
        Ok(Self {
            lines,
            frame_s,
            fit_share: speed.map_or(0.9, |speed| work.fit_share(speed)),
            bytes: title + kept,
        })
    }

    /// Says it on stderr.
    pub(super) fn explain(&self) {
        for line in &self.lines {
            eprintln!("{line}");
        }
    }

    /// Expected seconds a frame, where the machine could be measured.
    pub(super) fn frame_s(&self) -> Option<f64> {
        self.frame_s
    }

    /// How much of the work on a segment is its fit, 0 to 1.
    pub(super) fn fit_share(&self) -> f64 {
        self.fit_share
    }

    /// Fails if there is less space at the destination than the estimate.
    pub(super) fn check_space(&self, args: &Args) -> Result<(), CliError> {
        match args.out.to_string_lossy().contains("://") {
            true => Ok(()),
            false => enough_space(&args.out, self.bytes),
        }
    }
}

/// Fails if less than `needed` bytes are free where `out` is or will be made.
fn enough_space(out: &Path, needed: u64) -> Result<(), CliError> {
    let there = out.ancestors().find(|path| path.exists());
    match fs4::available_space(there.unwrap_or(Path::new("."))) {
        Ok(free) if free < needed => Err(CliError::input(format!(
            "{}: needs about {}, {} are free",
            out.display(),
            size(needed),
            size(free)
        ))),
        // A file system that does not say is tried.
        _ => Ok(()),
    }
}

fn read_line(input: &Path, source: &Source) -> String {
    let (width, height) = source.size();
    let rate = fps(source.frame_rate());
    let length = source.length().map(|frames| {
        let seconds = span(frames as f64 / source.frame_rate().fps());
        format!(", {frames} frames ({seconds})")
    });
    let length = length.unwrap_or_else(|| ", length unknown".to_owned());
    format!("{}: {width}x{height}, {rate} fps{length}", input.display())
}

fn made_line(job: &Job<'_>, work: &Work<'_>) -> String {
    let (width, height) = job.track.visible;
    let rate = fps(work.frame_rate);
    let ranks: Vec<String> = work.options.ranks.iter().map(usize::to_string).collect();
    let seconds = f64::from(work.segment) / work.frame_rate.fps();
    format!(
        "{}: {width}x{height}, {rate} fps, {} rungs (rank {}), segments of {seconds:.1} s, preset {}",
        job.args.out.display(),
        ranks.len(),
        ranks.join(", "),
        job.args.fitting.preset_name(),
    )
}

/// `cost` is frames and seconds for each, where both are known.
fn cost_line(job: &Job<'_>, cost: Option<(u64, f64)>, title: Option<u64>) -> String {
    let memory = job.memory;
    let idle = match memory.idle {
        0 => String::new(),
        idle => format!(", {idle} cores left idle to stay within that, --workers uses them"),
    };
    let cost = match (title, cost) {
        (Some(title), cost) => {
            let seconds = cost.map(|(frames, frame_s)| frames as f64 * frame_s);
            format!("{}, ", text(seconds, title))
        }
        (None, _) => String::new(),
    };
    format!(
        "{cost}{} of memory with {} workers{idle}",
        size(memory.bytes),
        memory.workers
    )
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
    fn space_is_looked_for_where_the_title_will_be() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("new/title");
        enough_space(&out, 1).unwrap();
        let error = enough_space(&out, u64::MAX).unwrap_err().message();
        assert!(error.contains("new/title: needs about"), "{error}");
        assert!(error.ends_with(" are free"), "{error}");
    }
}
