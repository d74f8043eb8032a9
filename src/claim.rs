//! Marker files with a lock: a folder with a marker was made by this program, and is in use by the
//! process that has the marker locked.
//!
//! The program removes only folders that carry its marker, and files that it wrote in this run. The
//! lock is the operating system's ([`File::try_lock`]), so it ends with its process; the file also
//! names the holder, for the error of a second process. On a file system without locks (some network
//! mounts) a warning is logged. Knows nothing of the folder's content.

use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const PROGRAM: &str = "promptus";
/// Longest file that is read as a marker, in bytes.
const MAX_SIZE: u64 = 1 << 16;
/// Tries to lock a marker that its owner is removing at the same moment.
const TRIES: usize = 8;

/// A marker that this process has locked. Dropped, it stays and is free for others.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    file: File,
    kind: String,
}

/// The holder of a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Number of the process.
    pub process: u32,
    /// Name of its machine, where others may ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its command line.
    pub command: String,
    /// When it took the claim, in seconds since 1970.
    pub since: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    program: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<Holder>,
}

/// Why a claim cannot be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// Another process has it.
    #[error("{}: in use by {}", folder.display(), .holder.as_ref().map_or_else(|| "another process".to_owned(), Holder::to_string))]
    Held {
        /// The marker's folder.
        folder: PathBuf,
        /// The holder, where the marker names it.
        holder: Option<Holder>,
    },
    /// A file of that name is not a marker of this kind.
    #[error("{}: not a marker of this program, move it away", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The marker.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
}

impl Claim {
    /// Takes the marker `path` of `kind`, which is made if it is missing.
    ///
    /// Fails if another process has it, or if the file is not a marker of that kind.
    pub fn take(path: &Path, kind: &str) -> Result<Self, ClaimError> {
        let failed = |source| ClaimError::Io {
            path: path.to_owned(),
            source,
        };
        for _ in 0..TRIES {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            let mut file = options.open(path).map_err(failed)?;
            lock(&file, path)?;
            // Its last owner may have removed it between opening and locking.
            if !is_still_there(&file, path) {
                continue;
            }
            let fresh = file.metadata().map_err(failed)?.len() == 0;
            if !fresh && read(&mut file).is_none_or(|marker| marker.kind != kind) {
                let path = path.to_owned();
                return Err(ClaimError::Foreign { path });
            }
            let mut claim = Self {
                path: path.to_owned(),
                file,
                kind: kind.to_owned(),
            };
            let written = claim.write(Some(Holder::this()));
            if written.is_err() && fresh {
                // A full disk: an empty marker would be in the way.
                let _ = std::fs::remove_file(path);
            }
            return written.map(|()| claim).map_err(failed);
        }
        Err(failed(io::ErrorKind::ResourceBusy.into()))
    }

    /// Whether `path` is a marker of `kind`, held or not.
    pub fn is_marked(path: &Path, kind: &str) -> bool {
        marker(path).is_some_and(|marker| marker.kind == kind)
    }

    /// Removes the marker: the folder is no longer this program's.
    pub fn remove(self) -> io::Result<()> {
        // While it is locked, so that no other process locks a file that has lost its name.
        std::fs::remove_file(&self.path)
    }

    fn write(&mut self, holder: Option<Holder>) -> io::Result<()> {
        let marker = Marker {
            program: PROGRAM.to_owned(),
            kind: self.kind.clone(),
            holder,
        };
        let text = serde_json::to_vec(&marker)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.file.sync_all()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // The lock ends with the file; the text only names a holder in messages.
        let _ = self.write(None);
    }
}

impl Holder {
    /// This process, for a lock that other machines may see.
    pub fn on_this_host() -> Self {
        // Only Linux has the file; elsewhere the command line has to do.
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        Self {
            host: host.map(|host| host.trim().to_owned()),
            ..Self::this()
        }
    }

    /// This process, for a lock on this machine.
    fn this() -> Self {
        let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
        let command: Vec<String> = words.collect();
        Self {
            process: std::process::id(),
            host: None,
            command: command.join(" "),
            since: now(),
        }
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = self.host.as_ref().map(|host| format!(" on {host}"));
        let host = host.unwrap_or_default();
        let seconds = now().saturating_sub(self.since);
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        write!(
            f,
            "process {}{host} (`{}`) for ",
            self.process, self.command
        )?;
        match (hours, minutes) {
            (0, 0) => write!(f, "{seconds} s"),
            (0, _) => write!(f, "{minutes} min"),
            _ => write!(f, "{hours} h {minutes} min"),
        }
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or(Duration::ZERO).as_secs()
}

fn lock(file: &File, path: &Path) -> Result<(), ClaimError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let folder = path.parent().unwrap_or(path).to_owned();
            let holder = marker(path).and_then(|marker| marker.holder);
            Err(ClaimError::Held { folder, holder })
        }
        Err(TryLockError::Error(error)) => {
            let path = path.display();
            tracing::warn!("{path}: cannot be locked, do not use the folder twice: {error}");
            Ok(())
        }
    }
}

fn marker(path: &Path) -> Option<Marker> {
    read(&mut File::open(path).ok()?)
}

fn read(file: &mut File) -> Option<Marker> {
    let mut text = Vec::new();
    file.rewind().ok()?;
    file.take(MAX_SIZE).read_to_end(&mut text).ok()?;
    let marker: Marker = serde_json::from_slice(&text).ok()?;
    (marker.program == PROGRAM).then_some(marker)
}

/// Whether `path` still names `file`.
#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(ours), Ok(there)) = (file.metadata(), std::fs::metadata(path)) else {
        return false;
    };
    (ours.dev(), ours.ino()) == (there.dev(), there.ino())
}

/// Elsewhere a file that is open cannot be removed.
#[cfg(not(unix))]
fn is_still_there(_file: &File, _path: &Path) -> bool {
    true
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_refused_and_a_third_gets_the_claim() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".marker");
        assert!(!Claim::is_marked(&path, "work"));
        let first = Claim::take(&path, "work").unwrap();
        let error = Claim::take(&path, "work").unwrap_err().to_string();
        let (place, id) = (folder.path().display(), std::process::id());
        let holder = format!("{place}: in use by process {id} (`");
        assert!(error.starts_with(&holder), "{error}");
        drop(first);
        assert!(Claim::is_marked(&path, "work") && !Claim::is_marked(&path, "frames"));
        let third = Claim::take(&path, "work").unwrap();
        third.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_file_of_the_user_is_not_taken_for_a_marker() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".marker");
        for text in ["a diary", r#"{"program":"promptus","kind":"frames"}"#] {
            std::fs::write(&path, text).unwrap();
            let error = Claim::take(&path, "work").unwrap_err();
            assert!(matches!(error, ClaimError::Foreign { .. }), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn long_claims_are_given_in_hours() {
        let holder = Holder {
            since: now() - 2 * 3600 - 240,
            ..Holder::this()
        };
        let text = holder.to_string();
        assert!(text.ends_with("`) for 2 h 4 min"), "{text}");
    }
}
