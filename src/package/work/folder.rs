//! The folder in which one encode keeps its finished segments until the title is published.
//!
//! It carries a marker that its process has locked: a second process is refused with the holder's
//! name, and nothing is written into or removed from a folder without the marker. Segments are
//! named by their content, so a run cannot take a wrong segment from an earlier run.

use super::WorkStore;
use super::plan::is_segment_name;
use crate::claim::Claim;
use crate::package::{PackageError, durable};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The marker and its kind.
const MARKER: &str = ".promptus-work";
const MARKER_KIND: &str = "work folder";

/// The locked folder of one encode.
#[derive(Debug)]
pub struct WorkFolder {
    folder: PathBuf,
    claim: Claim,
    store: WorkStore,
}

impl WorkFolder {
    /// Opens `folder`, which is made if it is missing.
    ///
    /// Fails if another process is at work in it, if it holds something and no marker, or if it
    /// cannot be written.
    pub fn open(folder: &Path) -> Result<Self, PackageError> {
        if fs::metadata(folder).is_ok_and(|about| !about.is_dir()) {
            let problem = "a file, expected a folder or nothing";
            return Err(PackageError::invalid(folder.display(), problem));
        }
        durable::create_dir_all(folder).map_err(PackageError::io(folder))?;
        let marker = folder.join(MARKER);
        if !Claim::is_marked(&marker, MARKER_KIND)
            && let Some(other) = entries(folder)?.into_iter().find(|name| name != MARKER)
        {
            let problem = format!(
                "holds {other} and no {MARKER}, so it is not the work folder of an encode: move it away or choose another --out"
            );
            return Err(PackageError::invalid(folder.display(), problem));
        }
        Ok(Self {
            claim: Claim::take(&marker, MARKER_KIND)?,
            store: WorkStore::folder(folder)?,
            folder: folder.to_owned(),
        })
    }

    /// The store of the segments.
    pub fn store(&self) -> &WorkStore {
        &self.store
    }

    /// Number and bytes of the kept segments, of this input or another.
    pub fn kept(&self) -> (usize, u64) {
        let names = entries(&self.folder).unwrap_or_default();
        let segments = names.iter().filter(|name| is_segment_name(name));
        let size = |name: &String| fs::metadata(self.folder.join(name)).map_or(0, |a| a.len());
        segments.fold((0, 0), |(count, bytes), name| {
            (count + 1, bytes + size(name))
        })
    }

    /// Removes all segments.
    pub fn clear(&self) -> Result<(), PackageError> {
        for name in entries(&self.folder)? {
            if is_ours(&name) {
                let path = self.folder.join(name);
                fs::remove_file(&path).map_err(PackageError::io(&path))?;
            }
        }
        Ok(())
    }

    /// Removes segments, marker and folder. Other files stay, and the folder with them.
    pub fn remove(self) -> Result<(), PackageError> {
        self.clear()?;
        let folder = self.folder;
        self.claim.remove().map_err(PackageError::io(&folder))?;
        match fs::remove_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {
                let folder = folder.display();
                tracing::warn!("{folder}: stays, it holds files that the encode did not write");
                Ok(())
            }
            removed => removed.map_err(PackageError::io(&folder)),
        }
    }
}

/// Whether an encode writes files of this name: segments, and unfinished ones, which end in `#1` and
/// the like.
fn is_ours(name: &str) -> bool {
    let (name, staged) = name.split_once('#').unwrap_or((name, "0"));
    is_segment_name(name) && staged.bytes().all(|byte| byte.is_ascii_digit())
}

fn entries(folder: &Path) -> Result<Vec<String>, PackageError> {
    durable::names(folder).map_err(PackageError::io(folder))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SEGMENT: &str = "00000-0123456789abcdef.zip";

    #[test]
    fn a_file_is_not_a_work_folder() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = WorkFolder::open(file.path()).unwrap_err();
        assert!(error.to_string().contains("expected a folder"), "{error}");
    }

    #[test]
    fn a_second_process_is_refused_the_next_continues_and_other_files_stay() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("t.work");
        let work = WorkFolder::open(&folder).unwrap();
        for name in [SEGMENT, "00000-0123456789abcdef.zip#1", "notes.txt"] {
            fs::write(folder.join(name), "1234").unwrap();
        }
        let error = WorkFolder::open(&folder).unwrap_err().to_string();
        assert!(error.contains("t.work: in use by process"), "{error}");
        drop(work);
        let work = WorkFolder::open(&folder).unwrap();
        assert_eq!(work.kept(), (1, 4));
        work.clear().unwrap();
        assert_eq!(work.kept(), (0, 0));
        work.remove().unwrap();
        assert_eq!(entries(&folder).unwrap(), ["notes.txt"]);
    }
}
