//! A title put together from an encode's finished segments, published, and what came of it.

use super::CliError;
use crate::manifest::{Metrics, Representation};
use crate::package::publish;
use crate::package::work::{Assembly, Plan, WorkStore, assemble};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// Where a title goes and how.
pub(super) struct Destination<'a> {
    /// Folder of the title.
    pub(super) folder: &'a Path,
    /// Whether layers become files too.
    pub(super) layers: bool,
    /// How long files of earlier editions stay.
    pub(super) keep: Duration,
}

/// A published title.
#[derive(Serialize)]
pub(super) struct Published {
    title: String,
    hash: String,
    frames: u64,
    segments: usize,
    pub(super) duration_s: f64,
    rungs: Vec<Stream>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    layers: Vec<Stream>,
}

#[derive(Serialize)]
struct Stream {
    id: String,
    rank: u32,
    kbps: f64,
    bytes: u64,
    #[serde(flatten)]
    mean: Metrics,
}

/// Publishes the title of `plan`, all of whose segments must be in `store`.
pub(super) fn from_store(
    store: &WorkStore,
    plan: &Plan,
    to: &Destination<'_>,
) -> Result<Published, CliError> {
    let missing = store.missing(plan)?;
    if !missing.is_empty() {
        let message = format!(
            "{}: {} of {} segments are missing (numbers from 0; of N shares, segment k is share k mod N's): {}",
            store.name(),
            missing.len(),
            plan.segments.len(),
            ranges(&missing)
        );
        return Err(CliError::check(message));
    }
    let assembly = assemble(plan, to.layers, |number| {
        let name = &plan.segments[number].name;
        store.expect_segment(name)
    })?;
    publish(to.folder, &assembly.files, to.keep)?;
    Ok(Published::new(to.folder, &assembly))
}

impl Published {
    pub(super) fn new(folder: &Path, assembly: &Assembly) -> Self {
        let Assembly { content, files } = assembly;
        let presentation = &files.presentation;
        let duration_s = presentation.duration.seconds();
        let segments = content.rungs.first().map_or(&[][..], |rung| &rung.segments);
        let stream = |stream: &Representation| {
            let mut measured = content.quality.iter().flat_map(|quality| &quality.rungs);
            let measured = measured.find(|rung| rung.id == stream.id);
            let bytes = stream.media_bytes();
            Stream {
                id: stream.id.clone(),
                rank: stream.rank,
                kbps: bytes as f64 * 8.0 / duration_s / 1000.0,
                bytes,
                mean: measured.map(|rung| rung.mean).unwrap_or_default(),
            }
        };
        let groups = &presentation.groups;
        let rungs = groups.iter().flat_map(|group| &group.representations);
        let layers = groups.iter().flat_map(|group| &group.layers);
        Self {
            title: folder.display().to_string(),
            hash: files.hash.clone(),
            frames: segments.iter().map(|s| u64::from(s.frames)).sum(),
            segments: segments.len(),
            duration_s,
            rungs: rungs.map(stream).collect(),
            layers: layers.map(|layer| stream(&layer.stream)).collect(),
        }
    }

    /// The same for people, on stderr.
    pub(super) fn explain(&self) {
        eprintln!(
            "{}: {} frames in {} segments, {:.1} s",
            self.title, self.frames, self.segments, self.duration_s
        );
        for stream in self.rungs.iter().chain(&self.layers) {
            let psnr = stream.mean.psnr.map(|psnr| format!(", {psnr:.2} dB"));
            let lpips = stream.mean.lpips_squeeze;
            let lpips = lpips.map(|lpips| format!(", LPIPS-squeeze {lpips:.3}"));
            let (psnr, lpips) = (psnr.unwrap_or_default(), lpips.unwrap_or_default());
            eprintln!("  {}: {:.1} kbit/s{psnr}{lpips}", stream.id, stream.kbps);
        }
    }
}

/// Rising numbers as text, runs as `first-last`.
fn ranges(numbers: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let runs = runs.into_iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    runs.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::ranges;

    #[test]
    fn runs_are_drawn_together() {
        assert_eq!(ranges(&[0, 2, 3, 4, 9, 10]), "0, 2-4, 9-10");
        assert_eq!(ranges(&[]), "");
    }
}
