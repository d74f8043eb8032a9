//! Where an encode's results go, tried before anything is fitted.

use super::Args;
use crate::cli::{CliError, overwrite};
use crate::package::work::WorkFolder;
use std::path::{Path, PathBuf};

/// Fails if the title cannot be published where `--out` says, or only by replacing what is there
/// and the user has not agreed to that.
pub(super) fn check(args: &Args) -> Result<(), CliError> {
    let out = &args.out;
    if args.shard.is_some() {
        // A place that many machines share; it opens, or says why not.
        return Ok(());
    }
    if out.to_string_lossy().contains("://") {
        let message = format!(
            "--out {}: a URL, expected a folder on this machine (only --shard keeps segments at s3://BUCKET/PREFIX)",
            out.display()
        );
        return Err(CliError::input(message));
    }
    work_path(out)?;
    overwrite::title(out)?;
    writable(out)
}

/// The locked folder in which the segments are kept, with what a stopped run left unless `--restart`
/// is given.
pub(super) fn work_folder(args: &Args) -> Result<WorkFolder, CliError> {
    let path = work_path(&args.out)?;
    let folder = WorkFolder::open(&path)?;
    if args.restart {
        folder.clear()?;
    }
    let (count, _) = folder.kept();
    if count > 0 {
        eprintln!(
            "{}: going on with {count} finished segments (--restart begins anew)",
            path.display()
        );
    }
    Ok(folder)
}

/// Fails if nothing can be written into `folder`, or into the one that it will be made in.
fn writable(folder: &Path) -> Result<(), CliError> {
    let there = folder.ancestors().find(|path| path.is_dir());
    let there = there.unwrap_or(Path::new("."));
    tempfile::tempfile_in(there).map(drop).map_err(|error| {
        CliError::input(format!(
            "--out {}: cannot write to {}: {error}",
            folder.display(),
            there.display()
        ))
    })
}

/// `TITLE.work` beside `title`.
fn work_path(title: &Path) -> Result<PathBuf, CliError> {
    let name = title.file_name().ok_or_else(|| {
        CliError::input(format!(
            "--out {}: expected a folder with a name",
            title.display()
        ))
    })?;
    let mut name = name.to_owned();
    name.push(".work");
    Ok(title.with_file_name(name))
}
