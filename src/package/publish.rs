//! Puts a title's files on disk so that no one ever sees half of them.
//!
//! Everything is first written into a hidden folder of the publisher's own, which it has locked:
//! the immutable folder whole, then each manifest, and each is renamed to its place, the HLS entry
//! point last. A folder is a title once it has that entry point. Everything is synced before it is
//! renamed, and every folder that got a new name after, the one above the title included.
//! `published.json` says since when each has been what it is, and which folders were published
//! here: only those are ever removed. Nothing of an earlier edition is overwritten: its immutable
//! folder stays for players that are still at it.

use super::durable;
use super::title::{MASTER, POSTER, QUALITY, SOURCE, TitleFile, TitleFiles};
use super::{PackageError, title};
use crate::claim::Claim;
use crate::manifest::{PUBLISHED, Publication};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long folders of earlier editions stay if nothing else is said: a day.
pub const KEEP_OLD: Duration = Duration::from_secs(24 * 60 * 60);

/// The hidden folder that a publisher works in, and the marker in it.
const WORKING: &str = ".publish-work";
const MARKER: &str = ".promptus";
const MARKER_KIND: &str = "publication";

/// Publishes `files` as the title at `folder`, which is made if it is missing. When this returns,
/// the title survives a power cut.
///
/// Folders of earlier editions are removed once they have not been current for `keep`, which is
/// looked at here only. Fails if another process is publishing there, or if the file system does;
/// the title is then as it was before, or whole and new with an old folder left over.
pub fn publish(folder: &Path, files: &TitleFiles, keep: Duration) -> Result<(), PackageError> {
    durable::create_dir_all(folder).map_err(PackageError::io(folder))?;
    let working = Working::begin(folder)?;
    let before = publication(folder);
    let outdated = outdated(folder, &files.hash, &before, keep)?;
    let target = folder.join(&files.hash);
    if !target.is_dir() {
        let mut recorded = before.clone();
        recorded.date_edition(&files.hash, now());
        working.replace(PUBLISHED, &recorded.write())?;
        working
            .fill(&target, &files.immutable)
            .map_err(PackageError::io(&target))?;
    }
    working.replace(PUBLISHED, &dated(before.clone(), folder, files).write())?;
    for file in &files.manifests {
        working.replace(&file.name, &file.bytes)?;
    }
    remove_unnamed(folder, files, &before)?;
    for old in outdated {
        fs::remove_dir_all(&old).map_err(PackageError::io(&old))?;
    }
    drop(working);
    durable::sync(folder).map_err(PackageError::io(folder))
}

/// What is known of the times at which a title's files were published.
fn publication(folder: &Path) -> Publication {
    let bytes = fs::read(folder.join(PUBLISHED)).ok();
    let read = bytes.and_then(|bytes| Publication::read(&bytes));
    read.unwrap_or_default()
}

/// Notes when what is published became what it is. It is written before the manifests: until they
/// are there, no time is known of the old ones.
fn dated(mut publication: Publication, folder: &Path, files: &TitleFiles) -> Publication {
    publication.retain_editions(|name| folder.join(name).is_dir());
    publication.date_edition(&files.hash, now());
    let manifests = files.manifests.iter();
    publication.date_files(
        manifests.map(|file| (file.name.as_str(), &*file.bytes)),
        now(),
    );
    publication
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

/// Removes what an earlier edition had beside its manifests and this one has not, unless somebody
/// changed it since.
fn remove_unnamed(
    folder: &Path,
    files: &TitleFiles,
    before: &Publication,
) -> Result<(), PackageError> {
    for name in [QUALITY, SOURCE, POSTER] {
        let path = folder.join(name);
        let named = files.manifests.iter().any(|file| file.name == name);
        let ours = |bytes: Vec<u8>| before.file(name, &title::digest(&bytes)).is_some();
        if !named && fs::read(&path).is_ok_and(ours) {
            fs::remove_file(&path).map_err(PackageError::io(&path))?;
        }
    }
    Ok(())
}

/// The folder in which one publisher prepares what it renames. Dropped, it is gone.
struct Working<'a> {
    title: &'a Path,
    path: PathBuf,
    claim: Option<Claim>,
}

impl<'a> Working<'a> {
    /// Locks the working folder of `title`, and clears it of what a publisher left that was broken
    /// off. Fails if another one is at it, or if a folder of that name is not a publisher's.
    fn begin(title: &'a Path) -> Result<Self, PackageError> {
        let path = title.join(WORKING);
        let fail = |error| PackageError::io(&path)(error);
        match fs::create_dir(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(fail(error)),
            _ => {}
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
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
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
    /// What cannot be removed now is removed by the next publisher: it carries the marker.
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take()
            && self.clear().is_ok()
            && claim.remove().is_ok()
        {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Whatever the process's own mask, what is published is for any server to read.
#[cfg(unix)]
fn share(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn share(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Folders of editions that were published here (`before` knows them) and replaced more than `keep`
/// ago. Whatever the present entry point does not name was replaced when that was written, or
/// before.
fn outdated(
    folder: &Path,
    new_hash: &str,
    before: &Publication,
    keep: Duration,
) -> Result<Vec<PathBuf>, PackageError> {
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
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let named = name == new_hash || current.contains(&format!("{name}/"));
        if before.edition(&name).is_some() && is_hash(&name) && path.is_dir() && !named {
            outdated.push(path);
        }
    }
    Ok(outdated)
}

/// Whether `name` is that of a folder of an edition.
pub(super) fn is_hash(name: &str) -> bool {
    name.len() == 16
        && name
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether `name` is that of a publisher's own folder.
pub(super) fn is_working(name: &str) -> bool {
    name.starts_with(".publish-")
}
