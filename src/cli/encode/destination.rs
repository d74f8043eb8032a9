//! The places that an encode writes to, tried before anything is fitted.

use super::args::Args;
use crate::cli::{CliError, overwrite};
use crate::package::Destination;
use crate::package::work::WorkFolder;

/// The title's place; `None` for a shard, whose place is opened when it is needed.
///
/// Fails if the title cannot be published there, or only by replacing a title that the user has
/// not agreed to replace.
pub(super) fn check(args: &Args) -> Result<Option<Destination>, CliError> {
    if args.shard.is_some() {
        return Ok(None);
    }
    let title = Destination::open(&args.out)?;
    title.work_folder()?;
    overwrite::title(&title)?;
    title.check_writable()?;
    Ok(Some(title))
}

/// The locked folder in which segments are kept, emptied if `--restart` is given.
pub(super) fn work_folder(args: &Args, title: &Destination) -> Result<WorkFolder, CliError> {
    let path = title.work_folder()?;
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
