//! All traces below some folders, and what lay there and is none.

use super::trace::Trace;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folders deeper than this are not entered.
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
    /// Reads every file in `places` and below; hidden ones are passed over. `Err` when a place is not
    /// there or cannot be listed.
    pub fn read(places: &[PathBuf]) -> io::Result<Self> {
        let (mut corpus, mut entered) = (Self::default(), HashSet::new());
        for place in places {
            fs::metadata(place).map_err(|error| named(place, &error))?;
            corpus.visit(place, DEEPEST, &mut entered)?;
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
            // A pipe would be waited for.
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
            self.skip(folder, format!("more than {DEEPEST} folders deep"));
            return Ok(());
        }
        let real = folder.canonicalize().map_err(|e| named(folder, &e))?;
        if !entered.insert(real) {
            self.skip(folder, "a folder that was read already".to_owned());
            return Ok(());
        }
        let entries = fs::read_dir(folder).map_err(|e| named(folder, &e))?;
        let mut paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<PathBuf>>>()?;
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
