//! Publishes into a folder, by renaming what a locked working folder holds ready.
//!
//! The edition's folder is renamed whole, then each manifest, the HLS entry point last: a folder is
//! a title once it has that. Everything is synced before it is renamed, and every folder that got a
//! new name afterwards, the one above the title included.

use super::edition::{self, Place};
use crate::claim::Claim;
use crate::package::title::{MASTER, TitleFile, TitleFiles};
use crate::package::{PackageError, durable};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    edition::publish(&mut Working::begin(folder)?, files, keep)?;
    durable::sync(folder).map_err(PackageError::io(folder))
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
            return Err(PackageError::invalid(path.display(), problem));
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
            let problem = "not a publisher's folder, move it away";
            return Err(PackageError::invalid(path.display(), problem));
        }
        let claim = Claim::take(&marker, MARKER_KIND).inspect_err(|_| {
            // Only if it is empty: then no other publisher uses it.
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
            match entry.file_type()?.is_dir() {
                _ if entry.file_name() == MARKER => {}
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }

    /// Writes `files` into a folder and renames it to `target`, beside this one.
    fn make(&self, target: &Path, files: &[TitleFile]) -> io::Result<()> {
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
}

impl Place for Working<'_> {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, PackageError> {
        Ok(fs::read(self.title.join(name)).ok())
    }

    fn folders(&self) -> Result<Vec<String>, PackageError> {
        let mut names = durable::names(self.title).map_err(PackageError::io(self.title))?;
        names.retain(|name| self.title.join(name).is_dir());
        Ok(names)
    }

    fn age(&self) -> Result<Option<Duration>, PackageError> {
        let path = self.title.join(MASTER);
        let Ok(facts) = fs::metadata(&path) else {
            return Ok(None);
        };
        let written = facts.modified().map_err(PackageError::io(&path))?;
        Ok(Some(written.elapsed().unwrap_or_default()))
    }

    fn fill(&mut self, hash: &str, files: &[TitleFile]) -> Result<(), PackageError> {
        let target = self.title.join(hash);
        match target.is_dir() {
            true => check_same(&target, files),
            false => self.make(&target, files).map_err(PackageError::io(&target)),
        }
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> Result<(), PackageError> {
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

    fn remove(&mut self, name: &str) -> Result<(), PackageError> {
        let path = self.title.join(name);
        fs::remove_file(&path).map_err(PackageError::io(&path))
    }

    fn remove_folder(&mut self, name: &str) -> Result<(), PackageError> {
        let path = self.title.join(name);
        fs::remove_dir_all(&path).map_err(PackageError::io(&path))
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
