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
    let wrong = |problem: &str| Err(CliError::input(format!("{}: {problem}", path.display())));
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = path.parent().filter(|path| !path.as_os_str().is_empty());
            match folder.is_none_or(Path::is_dir) {
                true => Ok(()),
                false => wrong("there is no such folder"),
            }
        }
        Err(error) => wrong(&error.to_string()),
        Ok(about) if about.is_dir() => wrong("is a directory, expected a file"),
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
        _ if out.is_dir() => match PngFolder::holds_others(out)? {
            true => agree(out, "holds files named like frames"),
            false => Ok(()),
        },
        _ if out.exists() => file(out),
        _ => not_a_url(out),
    }
}

/// Fails unless a title may be published at `place`.
pub(super) fn title(place: &Destination) -> Result<(), CliError> {
    let name = place.to_string();
    check_title_folder(Path::new(&name))?;
    match place.occupant()? {
        Occupant::Nothing => Ok(()),
        Occupant::Title => agree(Path::new(&name), "holds a title"),
        Occupant::File => Err(CliError::input(format!(
            "{name}: is a file, expected a folder or nothing"
        ))),
        Occupant::Folder(entry) => Err(CliError::input(format!(
            "{name}: is neither empty nor a title (it holds {entry}): choose a new place"
        ))),
    }
}

/// Fails unless the reference's files, prompts of these `names` among them, may be written to
/// `folder`.
pub(super) fn prompts(folder: &Path, names: &[String]) -> Result<(), CliError> {
    not_a_url(folder)?;
    let there = official::files_in(folder)?;
    let ours = |name: &String| name == official::INIT_FILE || names.contains(name);
    match there.iter().find(|name| !ours(name)) {
        Some(other) => Err(CliError::input(format!(
            "{}: holds {other}, which would be taken for one of these: choose a new folder",
            folder.display()
        ))),
        None if there.is_empty() => Ok(()),
        None => agree(folder, "holds prompts"),
    }
}

/// Fails for a URL, for which `fs` would make folders called `https:`.
pub(super) fn not_a_url(path: &Path) -> Result<(), CliError> {
    match path.to_string_lossy().contains("://") {
        true => Err(CliError::input(format!(
            "{}: a URL, expected a path on this machine",
            path.display()
        ))),
        false => Ok(()),
    }
}

/// Asks whether the file or title at `path` may be replaced; fails if not.
fn agree(path: &Path, what: &str) -> Result<(), CliError> {
    let mut allowed = ALLOWED.lock().unwrap_or_else(PoisonError::into_inner);
    if AGREED.get() == Some(&true) || allowed.contains(path) {
        return Ok(());
    }
    let name = path.display();
    let (input, output) = (io::stdin(), io::stderr());
    if !(input.is_terminal() && output.is_terminal()) {
        return Err(CliError::input(format!(
            "{name}: {what}; -y (--overwrite) replaces it"
        )));
    }
    write!(output.lock(), "{name}: {what}. Replace it? [y/N] ")?;
    let mut answer = String::new();
    input.read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => {
            allowed.insert(path.to_owned());
            Ok(())
        }
        _ => Err(CliError::input(format!("{name}: left as it is"))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn existing_files_of_the_user_are_asked_about() {
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
        fs::create_dir(at("pictures")).unwrap();
        fs::write(at("pictures/1.png"), "mine").unwrap();
        let place = Destination::open(at("pictures").to_str().unwrap()).unwrap();
        let error = title(&place).unwrap_err().message();
        assert!(error.contains("nor a title (it holds 1.png)"), "{error}");
    }

    #[test]
    fn existing_frames_are_asked_about() {
        let root = tempfile::tempdir().unwrap();
        frames(root.path()).unwrap();
        frames(&root.path().join("new")).unwrap();
        fs::write(root.path().join("frame-000003.png"), "mine").unwrap();
        let error = frames(root.path()).unwrap_err().message();
        assert!(error.contains("named like frames; -y"), "{error}");
    }
}
