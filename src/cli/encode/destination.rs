//! The places that an encode writes to, tried before anything is fitted.

use super::args::Args;
use crate::cli::{CliError, overwrite};
use crate::package::Destination;
use crate::package::work::WorkFolder;
use std::path::{Path, PathBuf};

/// The title's place; `None` for a shard, whose place is opened when it is needed.
///
/// Fails if the title cannot be published there, or only by replacing a title that the user has
/// not agreed to replace.
pub(super) fn check(args: &Args) -> Result<Option<Destination>, CliError> {
    if args.shard.is_some() {
        return Ok(None);
    }
    let title = Destination::open(&args.out)?;
    work_path(&args.out, &title)?;
    overwrite::title(&title)?;
    if let Some(folder) = title.folder() {
        writable(folder)?;
    }
    Ok(Some(title))
}

/// The locked folder in which segments are kept, emptied if `--restart` is given.
pub(super) fn work_folder(args: &Args, title: &Destination) -> Result<WorkFolder, CliError> {
    let path = work_path(&args.out, title)?;
    let folder = WorkFolder::open(&path)?;
    if args.restart {
        folder.clear()?;
    }
    let (count, _) = folder.kept();
    if count > 0 {
        let path = path.display();
        eprintln!("{path}: continuing from {count} finished segments (--restart starts over)");
    }
    Ok(folder)
}

/// Fails if nothing can be written into `folder`, or into the one that it will be made in.
fn writable(folder: &Path) -> Result<(), CliError> {
    let there = folder.ancestors().find(|path| path.is_dir());
    let there = there.unwrap_or(Path::new("."));
    tempfile::tempfile_in(there).map(drop).map_err(|error| {
        let (folder, there) = (folder.display(), there.display());
        CliError::input(format!("--out {folder}: cannot write to {there}: {error}"))
    })
}

/// `TITLE.work` beside the title's folder, or in the working directory for a title in a store.
fn work_path(out: &str, title: &Destination) -> Result<PathBuf, CliError> {
    let place = Path::new(out.trim_end_matches('/'));
    let name = place
        .file_name()
        .ok_or_else(|| CliError::input(format!("--out {out}: expected a folder with a name")))?;
    let mut name = name.to_owned();
    name.push(".work");
    Ok(match title.folder() {
        Some(folder) => folder.with_file_name(name),
        None => name.into(),
    })
}
