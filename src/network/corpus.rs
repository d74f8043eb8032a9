//! All traces in a list of folders, the files skipped, and a description of traces for the user.

use super::trace::Trace;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const MAX_DEPTH: usize = 12;

/// Traces in the order of their paths.
#[derive(Debug, Default)]
pub struct Corpus {
    /// The traces.
    pub traces: Vec<Trace>,
    /// Files that are not traces.
    pub skipped: Vec<Skipped>,
}

/// A file that was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub file: PathBuf,
    /// The reason.
    pub reason: String,
}

impl Corpus {
    /// Reads all files in `places`, recursively, except hidden ones.
    ///
    /// # Errors
    /// If a place is missing or a folder cannot be listed.
    pub fn read(places: &[PathBuf]) -> io::Result<Self> {
        let (mut corpus, mut entered) = (Self::default(), HashSet::new());
        for place in places {
            fs::metadata(place).map_err(|error| named(place, &error))?;
            corpus.visit(place, MAX_DEPTH, &mut entered)?;
        }
        Ok(corpus)
    }

    fn visit(
        &mut self,
        place: &Path,
        depth: usize,
        entered: &mut HashSet<PathBuf>,
    ) -> io::Result<()> {
        match fs::metadata(place) {
            Ok(about) if about.is_file() => self.take(place),
            Ok(about) if about.is_dir() => return self.enter(place, depth, entered),
            // Reading a pipe would block.
            Ok(_) => self.skip(place, "neither a file nor a folder".to_owned()),
            Err(error) => self.skip(place, error.to_string()),
        }
        Ok(())
    }

    fn enter(
        &mut self,
        folder: &Path,
        depth: usize,
        entered: &mut HashSet<PathBuf>,
    ) -> io::Result<()> {
        if depth == 0 {
            self.skip(folder, format!("more than {MAX_DEPTH} folders deep"));
            return Ok(());
        }
        let real = folder.canonicalize().map_err(|e| named(folder, &e))?;
        if !entered.insert(real) {
            self.skip(folder, "a folder that was already read".to_owned());
            return Ok(());
        }
        let entries = fs::read_dir(folder).map_err(|e| named(folder, &e))?;
        let paths = entries.map(|entry| Ok(entry?.path()));
        let mut paths = paths.collect::<io::Result<Vec<PathBuf>>>()?;
        paths.retain(|path| !is_hidden(path));
        paths.sort();
        let mut paths = paths.iter();
        paths.try_for_each(|path| self.visit(path, depth - 1, entered))
    }

    fn skip(&mut self, file: &Path, reason: String) {
        let file = file.to_owned();
        self.skipped.push(Skipped { file, reason });
    }

    fn take(&mut self, file: &Path) {
        match Trace::load(file) {
            Ok(trace) => self.traces.push(trace),
            Err(error) => {
                let (full, name) = (error.to_string(), file.display().to_string());
                let reason = full.strip_prefix(&name).unwrap_or(&full);
                self.skip(file, reason.trim_start_matches([':', ' ']).to_owned());
            }
        }
    }
}

fn named(place: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", place.display()))
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with('.'))
}

/// Mean rates for checking units: a line for each of up to three traces, else the ranges; and all notes.
pub fn describe(traces: &[Trace]) -> String {
    let each = traces.len() <= 3;
    let mut lines = Vec::new();
    for trace in traces {
        let (name, kbps, duration_s) = (trace.name(), trace.mean_kbps(), trace.duration_s());
        if each {
            let mean = rate(kbps);
            lines.push(format!(
                "{name}: mean {mean} kbit/s over {duration_s:.1} s\n"
            ));
        }
        lines.extend(trace.notes().iter().map(|note| format!("{name}: {note}\n")));
    }
    if !each {
        let means = range(traces.iter().map(Trace::mean_kbps)).map(rate);
        let lengths = range(traces.iter().map(Trace::duration_s)).map(|s| format!("{s:.0}"));
        lines.push(format!(
            "{} traces: mean rates {} kbit/s, lengths {} s (min / median / max)\n",
            traces.len(),
            means.join(" / "),
            lengths.join(" / ")
        ));
    }
    lines.concat()
}

/// A rate with at least three digits.
fn rate(kbps: f64) -> String {
    match kbps {
        ..10.0 => format!("{kbps:.2}"),
        ..100.0 => format!("{kbps:.1}"),
        _ => format!("{kbps:.0}"),
    }
}

/// Minimum, median and maximum of at least one value.
fn range(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    [0, values.len() / 2, values.len() - 1].map(|place| values[place])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_traces_are_described_one_by_one_and_many_together() {
        let trace = |k: i32| {
            let kbps = 4.5 * 10f64.powi(k);
            let text = format!("0,{kbps}\n10,{kbps}\n");
            Trace::parse(&format!("t{k}"), text.as_bytes()).unwrap()
        };
        let traces: Vec<Trace> = (0..5).map(trace).collect();
        let two = "t0: mean 4.50 kbit/s over 20.0 s\nt1: mean 45.0 kbit/s over 20.0 s\n";
        assert_eq!(describe(&traces[..2]), two);
        let all = "5 traces: mean rates 4.50 / 450 / 45000 kbit/s, lengths 20 / 20 / 20 s (min / median / max)\n";
        assert_eq!(describe(&traces), all);
    }
}
