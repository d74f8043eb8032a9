//! Publishes into a folder, by renaming what a locked working folder holds ready.
//!
//! The edition's folder is renamed whole, then each manifest, the HLS entry point last: a folder is
//! a title once it has that. Everything is synced before it is renamed, and every folder that got a
//! new name afterwards, the one above the title included.

use super::edition::{self, EntryPoint, OPTIONAL};
use crate::claim::Claim;
use crate::manifest::{PUBLISHED, Publication};
use crate::package::title::{MASTER, TitleFile, TitleFiles};
use crate::package::{PackageError, durable};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The hidden folder that a publisher works in, and the marker in it.
const WORKING: &str = ".publish-work";
const MARKER: &str = ".promptus";
const MARKER_KIND: &str = "publication";

/// Publishes `files` as the title at `folder`, which is made if it is missing. When this returns,
/// the title survives a power cut.
///
/// Folders of earlier editions are removed once they have been out of date for `keep`; that is
/// checked only here. Fails if another process is publishing there, or if the file system does:
/// the title is then as it was before, or whole and new with an old folder left over.
pub fn publish(folder: &Path, files: &TitleFiles, keep: Duration) -> Result<(), PackageError> {
    durable::create_dir_all(folder).map_err(PackageError::io(folder))?;
    let working = Working::begin(folder)?;
    let before = publication(folder);
    let entry = entry_point(folder)?;
    let outdated = edition::outdated(folders(folder)?, entry.as_ref(), &before, &files.hash, keep);
    let target = folder.join(&files.hash);
    if target.is_dir() {
        check_same(&target, &files.immutable)?;
    } else {
        working.replace(PUBLISHED, &edition::announced(&before, files).write())?;
        let filled = working.fill(&target, &files.immutable);
        filled.map_err(PackageError::io(&target))?;
    }
    let stays = |name: &str| folder.join(name).is_dir();
    working.replace(PUBLISHED, &edition::dated(&before, files, stays).write())?;
    for file in &files.manifests {
        working.replace(&file.name, &file.bytes)?;
    }
    remove_left_over(folder, files, &before)?;
    for old in outdated {
        let old = folder.join(old);
        fs::remove_dir_all(&old).map_err(PackageError::io(&old))?;
    }
    drop(working);
    durable::sync(folder).map_err(PackageError::io(folder))
}

fn remove_left_over(
    folder: &Path,
    files: &TitleFiles,
    before: &Publication,
) -> Result<(), PackageError> {
    for name in OPTIONAL {
        let path = folder.join(name);
        let goes = |bytes: Vec<u8>| edition::is_left_over(name, &bytes, files, before);
        if fs::read(&path).is_ok_and(goes) {
            fs::remove_file(&path).map_err(PackageError::io(&path))?;
        }
    }
    Ok(())
}

/// The dates of the files that are published in `folder`, as far as they are known.
fn publication(folder: &Path) -> Publication {
    let bytes = fs::read(folder.join(PUBLISHED)).ok();
    let read = bytes.and_then(|bytes| Publication::read(&bytes));
    read.unwrap_or_default()
}

fn entry_point(folder: &Path) -> Result<Option<EntryPoint>, PackageError> {
    let path = folder.join(MASTER);
    let Ok(text) = fs::read_to_string(&path) else {
        return Ok(None);
    };
    let written = fs::metadata(&path).and_then(|facts| facts.modified());
    let written = written.map_err(PackageError::io(&path))?;
    let age = SystemTime::now()
        .duration_since(written)
        .unwrap_or_default();
    Ok(Some(EntryPoint { text, age }))
}

/// The names of the folders in `folder`.
fn folders(folder: &Path) -> Result<Vec<String>, PackageError> {
    let entries = fs::read_dir(folder).map_err(PackageError::io(folder))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(PackageError::io(folder))?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// Fails unless an edition's folder that is there already has files of the right sizes; its name
/// is a hash of their content.
fn check_same(target: &Path, files: &[TitleFile]) -> Result<(), PackageError> {
    for file in files {
        let path = target.join(&file.name);
        let (found, expected) = (fs::metadata(&path).map_or(0, |m| m.len()), file.bytes.len());
        if found != expected as u64 {
            let problem =
                format!("{found} bytes, expected {expected}: remove its folder, it is damaged");
            return Err(PackageError::Occupied { path, problem });
        }
    }
    Ok(())
}

/// The folder in which one publisher prepares what it renames. Dropped, it is removed.
struct Working<'a> {
    title: &'a Path,
    path: PathBuf,
    claim: Option<Claim>,
}

impl<'a> Working<'a> {
    /// Locks the working folder of `title`, and clears it of what an interrupted publisher left.
    /// Fails if another publisher holds it, or if a folder of that name is not a publisher's.
    fn begin(title: &'a Path) -> Result<Self, PackageError> {
        let path = title.join(WORKING);
        let fail = |error| PackageError::io(&path)(error);
        if let Err(error) = fs::create_dir(&path)
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(fail(error));
        }
        let marker = path.join(MARKER);
        let mut entries = fs::read_dir(&path).map_err(fail)?.flatten();
        if !Claim::is_marked(&marker, MARKER_KIND) && entries.any(|e| e.file_name() != MARKER) {
            let problem = "not a publisher's folder, move it away".to_owned();
            return Err(PackageError::Occupied { path, problem });
        }
        let claim = Claim::take(&marker, MARKER_KIND).inspect_err(|_| {
            // Only if it is empty: nobody else is at work in it.
            let _ = fs::remove_dir(&path);
        })?;
        let working = Self {
            title,
            path: path.clone(),
            claim: Some(claim),
        };
        working.clear().map_err(fail)?;
        share(&path, 0o755).map_err(fail)?;
        Ok(working)
    }

    /// Removes everything but the marker.
    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name() == MARKER {
                continue;
            }
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Writes `files` into a folder and renames it to `target`, beside this one.
    fn fill(&self, target: &Path, files: &[TitleFile]) -> io::Result<()> {
        let edition = self.path.join("edition");
        fs::create_dir(&edition)?;
        for file in files {
            let mut out = File::create_new(edition.join(&file.name))?;
            out.write_all(&file.bytes)?;
            out.sync_all()?;
        }
        share(&edition, 0o755)?;
        durable::sync(&edition)?;
        fs::rename(&edition, target)?;
        durable::sync(self.title)
    }

    /// Writes `bytes` and renames them to `name` in the title's folder.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), PackageError> {
        let (beside, path) = (self.path.join(name), self.title.join(name));
        let put = || {
            let mut out = File::create(&beside)?;
            out.write_all(bytes)?;
            out.sync_all()?;
            share(&beside, 0o644)?;
            fs::rename(&beside, &path)?;
            durable::sync(self.title)
        };
        put().map_err(PackageError::io(&path))
    }
}

impl Drop for Working<'_> {
    /// If this fails, the next publisher removes the folder: it carries the marker.
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take()
            && self.clear().is_ok()
            && claim.remove().is_ok()
        {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Published files are readable by any server, whatever the process's own mask.
#[cfg(unix)]
fn share(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn share(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}
