//! All traces below some folders, and what lay there and is none.

use super::trace::Trace;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folders deeper than this are not entered: a link may lead back up.
const DEEPEST: usize = 12;

/// Traces in the order of their paths.
#[derive(Debug, Default)]
pub struct Corpus {
    /// What could be read.
    pub traces: Vec<Trace>,
    /// What is no trace, and why.
    pub skipped: Vec<Skipped>,
}

/// A file that is no trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub file: PathBuf,
    /// What was wrong with it.
    pub reason: String,
}

impl Corpus {
    /// Reads every file in `places` and below; hidden ones are passed over. `Err` when a place
    /// cannot be listed.
    pub fn read(places: &[PathBuf]) -> io::Result<Self> {
        let mut corpus = Self::default();
        for place in places {
            corpus.visit(place, DEEPEST)?;
        }
        Ok(corpus)
    }

    fn visit(&mut self, place: &Path, depth: usize) -> io::Result<()> {
        if !place.is_dir() {
            self.take(place);
            return Ok(());
        }
        if depth == 0 {
            let reason = format!("more than {DEEPEST} folders deep");
            let file = place.to_owned();
            self.skipped.push(Skipped { file, reason });
            return Ok(());
        }
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("{}: {error}", place.display()))
        };
        let entries = fs::read_dir(place).map_err(named)?;
        let mut paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<PathBuf>>>()?;
        paths.retain(|path| !is_hidden(path));
        paths.sort();
        paths
            .iter()
            .try_for_each(|path| self.visit(path, depth - 1))
    }

    fn take(&mut self, file: &Path) {
        match Trace::load(file) {
            Ok(trace) => self.traces.push(trace),
            Err(error) => {
                let (full, name) = (error.to_string(), file.display().to_string());
                let reason = full.strip_prefix(&name).unwrap_or(&full);
                self.skipped.push(Skipped {
                    file: file.to_owned(),
                    reason: reason.trim_start_matches([':', ' ']).to_owned(),
                });
            }
        }
    }
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with('.'))
}
