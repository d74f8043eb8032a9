//! One rule for every output path: an existing file or title is replaced only if this program wrote
//! it in this run or marked it as its own, if it is empty, or if the user agrees, with
//! `-y`/`--overwrite` or by answering a question on a terminal.
//!
//! Commands ask before they begin to work, so that no hour of work ends at an existing file;
//! [`super::atomic_write`] asks again when it writes, so that no command can forget.

use super::CliError;
use crate::manifest::check_title_folder;
use crate::package::{Destination, Occupant};
use crate::prompt::official;
use crate::sink::PngFolder;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Whether `-y` was given.
static AGREED: OnceLock<bool> = OnceLock::new();
/// Paths that may be replaced.
static ALLOWED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Sets the answer of the command line, once per process.
pub(super) fn say(agreed: bool) {
    let _ = AGREED.set(agreed);
}

/// Lets `path` be replaced: this program made it.
pub(super) fn allow(path: &Path) {
    let mut allowed = ALLOWED.lock().unwrap_or_else(PoisonError::into_inner);
    allowed.insert(path.to_owned());
}

/// Fails unless `path` may become a file.
pub(super) fn file(path: &Path) -> Result<(), CliError> {
    not_a_url(path)?;
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = path.parent().filter(|path| !path.as_os_str().is_empty());
            match folder.is_none_or(Path::is_dir) {
                true => Ok(()),
                false => refuse(path, "there is no such folder"),
            }
        }
        Err(error) => refuse(path, &error.to_string()),
        Ok(about) if about.is_dir() => refuse(path, "is a directory, expected a file"),
        // Nothing is lost where there is nothing, or in a device or a pipe.
        Ok(about) if !about.is_file() || about.len() == 0 => Ok(()),
        Ok(_) => agree(path, "exists"),
    }
}

/// [`file`] for each of `paths`.
pub(super) fn files<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), CliError> {
    paths.into_iter().try_for_each(|path| file(path))
}

/// Fails unless frames may go to `out`: `-`, a file, or a folder of PNG files.
pub(super) fn frames(out: &Path) -> Result<(), CliError> {
    match out {
        _ if out == Path::new("-") => Ok(()),
        _ if out.is_dir() && PngFolder::holds_others(out)? => {
            agree(out, "holds files named like frames")
        }
        _ if out.is_dir() => Ok(()),
        _ if out.exists() => file(out),
        _ => not_a_url(out),
    }
}

/// Fails unless a title may be published at `place`.
pub(super) fn title(place: &Destination) -> Result<(), CliError> {
    let path = PathBuf::from(place.to_string());
    check_title_folder(&path)?;
    match place.occupant()? {
        Occupant::Nothing => Ok(()),
        Occupant::Title => agree(&path, "holds a title"),
        Occupant::File => refuse(&path, "is a file, expected a folder or nothing"),
        Occupant::Folder(entry) => {
            let holds = format!("is neither empty nor a title (it holds {entry})");
            refuse(&path, &format!("{holds}: choose a new place"))
        }
    }
}

/// Fails unless the reference's files, prompts of these `names` among them, may be written to
/// `folder`.
pub(super) fn prompts(folder: &Path, names: &[String]) -> Result<(), CliError> {
    not_a_url(folder)?;
    if !folder.exists() {
        return Ok(());
    }
    let there = official::files_in(folder)?;
    let ours = |name: &String| name == official::INIT_FILE || names.contains(name);
    if let Some(other) = there.iter().find(|name| !ours(name)) {
        let problem = "which would be taken for one of these: choose a new folder";
        return refuse(folder, &format!("holds {other}, {problem}"));
    }
    if there.is_empty() {
        return Ok(());
    }
    agree(folder, "holds prompts")
}

/// Fails for a URL, for which `fs` would make folders called `https:`.
pub(super) fn not_a_url(path: &Path) -> Result<(), CliError> {
    if path.to_string_lossy().contains("://") {
        return refuse(path, "a URL, expected a path on this machine");
    }
    Ok(())
}

fn refuse(path: &Path, problem: &str) -> Result<(), CliError> {
    Err(CliError::input(format!("{}: {problem}", path.display())))
}

/// Asks whether the file or title at `path` may be replaced; fails if not.
fn agree(path: &Path, what: &str) -> Result<(), CliError> {
    let mut allowed = ALLOWED.lock().unwrap_or_else(PoisonError::into_inner);
    if AGREED.get() == Some(&true) || allowed.contains(path) {
        return Ok(());
    }
    let (input, output) = (io::stdin(), io::stderr());
    if !(input.is_terminal() && output.is_terminal()) {
        return refuse(path, &format!("{what}; -y (--overwrite) replaces it"));
    }
    let name = path.display();
    write!(output.lock(), "{name}: {what}. Replace it? [y/N] ")?;
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    if !["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()) {
        return refuse(path, "left as it is");
    }
    allowed.insert(path.to_owned());
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn existing_files_and_frames_of_the_user_are_asked_about() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("empty"), "").unwrap();
        fs::write(at("text"), "mine").unwrap();
        for free in [at("new"), at("empty"), "/dev/null".into()] {
            file(&free).unwrap();
        }
        for (path, expected) in [
            (at("text"), "exists; -y"),
            (root.path().to_owned(), "expected a file"),
            (at("no/folder"), "no such folder"),
            ("https://host/x".into(), "a URL"),
        ] {
            let error = file(&path).unwrap_err().message();
            assert!(error.contains(expected), "{error}");
        }
        allow(&at("text"));
        file(&at("text")).unwrap();
        let pictures = at("pictures");
        fs::create_dir(&pictures).unwrap();
        frames(&pictures).unwrap();
        frames(&at("new")).unwrap();
        fs::write(pictures.join("frame-000003.png"), "mine").unwrap();
        let error = frames(&pictures).unwrap_err().message();
        assert!(error.contains("named like frames; -y"), "{error}");
        let place = Destination::open(pictures.to_str().unwrap()).unwrap();
        let error = title(&place).unwrap_err().message();
        assert!(error.contains("nor a title (it holds frame-"), "{error}");
    }
}
