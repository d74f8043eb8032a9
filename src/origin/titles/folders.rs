//! The folders of the root: those that may be titles, and those that cannot be and why. An entry
//! that cannot be read or named never hides the others.

use super::catalogue::Problem;
use super::path::ENTRY;
use crate::manifest::{WEIGHTS_FOLDER, check_title_name};
use object_store::ListResult;
use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

/// The entries of the root.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    /// Names of possible titles, in order.
    pub(crate) names: Vec<String>,
    /// Entries that cannot be served.
    pub(crate) skipped: Vec<Problem>,
}

/// The folders in a local root, which is resolved.
pub(crate) fn local(root: &Path) -> io::Result<Folders> {
    let mut folders = Folders::default();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name();
        if is_hidden(&name) {
            continue;
        }
        match problem(root, &entry) {
            Ok(true) => folders.take(&name),
            Ok(false) => {}
            Err(problem) => folders.skip(&name, problem),
        }
    }
    folders.names.sort();
    Ok(folders)
}

/// Whether an entry is a folder within the root.
fn problem(root: &Path, entry: &DirEntry) -> Result<bool, &'static str> {
    let link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
    let unreadable = match link {
        true => "the link leads nowhere",
        false => "it cannot be read",
    };
    let path = entry.path();
    if !fs::metadata(&path).map_err(|_| unreadable)?.is_dir() {
        return Ok(false);
    }
    if link && !path.canonicalize().is_ok_and(|path| path.starts_with(root)) {
        return Err("the link leads out of the folder that is served");
    }
    Ok(true)
}

/// The folders in the root of another store.
pub(crate) fn listed(root: &ListResult) -> Folders {
    let mut folders = Folders::default();
    let names = root.common_prefixes.iter();
    let names = names.filter_map(|folder| folder.filename().map(OsStr::new));
    for name in names.filter(|name| !is_hidden(name)) {
        folders.take(name);
    }
    let mut files = root.objects.iter();
    if files.any(|object| object.location.filename() == Some(ENTRY)) {
        let problem = "the root is itself a title; serve the place above it";
        folders.skip(OsStr::new(ENTRY), problem);
    }
    folders.names.sort();
    folders
}

/// Names that are left out without a message: hidden ones, and the folder of weights.
fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") || name == WEIGHTS_FOLDER
}

impl Folders {
    fn take(&mut self, name: &OsStr) {
        match check_title_name(name) {
            Ok(()) => self.names.extend(name.to_str().map(str::to_owned)),
            Err(error) => self.skip(name, error.problem),
        }
    }

    fn skip(&mut self, name: &OsStr, problem: &str) {
        // With control characters escaped.
        let shown = |c: char| match c.is_control() {
            true => c.escape_default().to_string(),
            false => c.to_string(),
        };
        let name = name.to_string_lossy().chars().map(shown).collect();
        let error = problem.to_owned();
        self.skipped.push(Problem { name, error });
    }
}
