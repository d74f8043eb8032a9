//! Puts a title's files on disk so that no one ever sees half of them.
//!
//! The immutable folder is filled under a hidden name and renamed when it is whole; then the
//! manifests follow, each written beside its name and renamed onto it, the HLS entry point last.
//! A folder is a title once it has that entry point. Everything is synced before it is renamed.
//! `published.json` says since when each has been what it is.
//! Nothing of an earlier edition is overwritten: its immutable folder stays for players that are
//! still at it.

use super::PackageError;
use super::title::{MASTER, POSTER, QUALITY, SOURCE, TitleFile, TitleFiles};
use crate::manifest::{PUBLISHED, Publication};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long folders of earlier editions stay if nothing else is said: a day.
pub const KEEP_OLD: Duration = Duration::from_secs(24 * 60 * 60);

/// Hidden names that a publication works under.
const WORKING: &str = ".publish-";

/// Publishes `files` as the title at `folder`, which is made if it is missing.
///
/// Folders of earlier editions are removed once they have not been current for `keep`, which is
/// looked at here only. One process at a time may publish a title. Fails if the file system does;
/// the title is then as it was before, or whole and new with an old folder left over.
pub fn publish(folder: &Path, files: &TitleFiles, keep: Duration) -> Result<(), PackageError> {
    fs::create_dir_all(folder).map_err(PackageError::io(folder))?;
    let outdated = outdated(folder, &files.hash, keep)?;
    let target = folder.join(&files.hash);
    if !target.is_dir() {
        fill(folder, &target, &files.immutable).map_err(PackageError::io(&target))?;
    }
    date(folder, files)?;
    for file in &files.manifests {
        let path = folder.join(&file.name);
        replace(folder, &path, &file.bytes).map_err(PackageError::io(&path))?;
    }
    remove_unnamed(folder, files)?;
    for old in outdated {
        let removed = match old.is_dir() {
            true => fs::remove_dir_all(&old),
            false => fs::remove_file(&old),
        };
        removed.map_err(PackageError::io(&old))?;
    }
    Ok(())
}

/// Notes when what is published became what it is. It comes before the manifests: until they are
/// there, no time is known of the old ones.
fn date(folder: &Path, files: &TitleFiles) -> Result<(), PackageError> {
    let path = folder.join(PUBLISHED);
    let before = fs::read(&path).ok();
    let before = before.and_then(|bytes| Publication::read(&bytes));
    let mut publication = before.unwrap_or_default();
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = since.unwrap_or_default().as_secs();
    publication.retain_editions(|name| folder.join(name).is_dir());
    publication.date_edition(&files.hash, now);
    let manifests = files.manifests.iter();
    publication.date_files(
        manifests.map(|file| (file.name.as_str(), &*file.bytes)),
        now,
    );
    replace(folder, &path, &publication.write()).map_err(PackageError::io(&path))
}

/// Removes what an earlier edition had beside its manifests and this one has not.
fn remove_unnamed(folder: &Path, files: &TitleFiles) -> Result<(), PackageError> {
    for name in [QUALITY, SOURCE, POSTER] {
        let path = folder.join(name);
        let named = files.manifests.iter().any(|file| file.name == name);
        if !named && path.exists() {
            fs::remove_file(&path).map_err(PackageError::io(&path))?;
        }
    }
    Ok(())
}

/// Writes `files` into a hidden folder beside `target` and renames it.
fn fill(folder: &Path, target: &Path, files: &[TitleFile]) -> io::Result<()> {
    let working = tempfile::Builder::new()
        .prefix(WORKING)
        .tempdir_in(folder)?;
    for file in files {
        let mut out = File::create_new(working.path().join(&file.name))?;
        out.write_all(&file.bytes)?;
        out.sync_all()?;
    }
    share(working.path(), 0o755)?;
    sync_folder(working.path())?;
    fs::rename(working.path(), target)?;
    // Renamed away, so there is nothing left to clean up.
    let _ = working.keep();
    sync_folder(folder)
}

/// Writes `bytes` into a hidden file in `folder` and renames it onto `path`.
fn replace(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut working = tempfile::Builder::new()
        .prefix(WORKING)
        .tempfile_in(folder)?;
    working.write_all(bytes)?;
    working.as_file().sync_all()?;
    share(working.path(), 0o644)?;
    working.persist(path)?;
    sync_folder(folder)
}

/// Temporary files are private to their owner; a published one is for any server to read.
#[cfg(unix)]
fn share(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn share(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// A rename is durable once its folder is; only Unix lets a folder be synced.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Folders of editions that were replaced more than `keep` ago, and what a publisher left that was
/// broken off. Whatever the present entry point does not name was replaced when that was written,
/// or before.
fn outdated(folder: &Path, new_hash: &str, keep: Duration) -> Result<Vec<PathBuf>, PackageError> {
    let master = folder.join(MASTER);
    let Ok(current) = fs::read_to_string(&master) else {
        return Ok(Vec::new());
    };
    let written = fs::metadata(&master).and_then(|facts| facts.modified());
    let written = written.map_err(PackageError::io(&master))?;
    let age = SystemTime::now()
        .duration_since(written)
        .unwrap_or_default();
    if age < keep {
        return Ok(Vec::new());
    }
    let mut outdated = Vec::new();
    for entry in fs::read_dir(folder).map_err(PackageError::io(folder))? {
        let path = entry.map_err(PackageError::io(folder))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let named = name == new_hash || current.contains(&format!("{name}/"));
        let ours = is_hash(&name) && path.is_dir();
        if (ours || name.starts_with(WORKING)) && !named {
            outdated.push(path);
        }
    }
    Ok(outdated)
}

fn is_hash(name: &str) -> bool {
    name.len() == 16
        && name
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
