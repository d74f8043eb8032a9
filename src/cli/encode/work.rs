//! `TITLE.work`: the segments that are done, so that a run that was stopped loses at most the one
//! it was at.
//!
//! A segment is kept as the media segment of the highest rung, with its measurements beside it,
//! under a name that holds its number and a hash of its frames and of everything that decides its
//! bytes. Another input or other options give other names, so nothing stale is ever taken up.
//! Files appear whole: the media segment is renamed into place last.

use super::work_path;
use crate::cli::CliError;
use crate::invert::Span;
use crate::manifest::Metrics;
use crate::segment::Track;
use crate::segment::coded::CodedSegment;
use crate::segment::media::read_media;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A finished segment.
pub(super) struct Kept {
    /// With all components.
    pub(super) segment: CodedSegment,
    /// Of each rung, lowest first; empty if not measured.
    pub(super) metrics: Vec<Metrics>,
}

/// The folder of finished segments.
pub(super) struct WorkFolder {
    folder: PathBuf,
    setting: [u8; 32],
}

impl WorkFolder {
    /// The folder beside `title`; `setting` is everything but the frames that decides the bytes.
    pub(super) fn beside(title: &Path, setting: &str) -> Result<Self, CliError> {
        Ok(Self {
            folder: work_path(title)?,
            setting: Sha256::digest(setting).into(),
        })
    }

    /// Empties the folder, making it if it is missing.
    pub(super) fn clear(&self) -> Result<(), CliError> {
        self.remove()?;
        self.named(&self.folder, fs::create_dir_all(&self.folder))
    }

    /// Removes the folder.
    pub(super) fn remove(&self) -> Result<(), CliError> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            result => self.named(&self.folder, result),
        }
    }

    /// The name under which segment `number`, which is to show `span`, is kept.
    pub(super) fn name(&self, number: u32, span: &Span) -> String {
        let mut hash = Sha256::new();
        hash.update(self.setting);
        for position in &span.positions {
            hash.update(position.to_le_bytes());
        }
        for frame in &span.frames {
            hash.update(frame.data());
        }
        let hash = hash.finalize();
        let hex: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{number:05}-{hex}")
    }

    /// The segment kept under `name`, if there is one. Fails if it is damaged.
    pub(super) fn load(&self, name: &str, track: &Track) -> Result<Option<Kept>, CliError> {
        let media = self.folder.join(format!("{name}.m4s"));
        let bytes = match fs::read(&media) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            result => self.named(&media, result)?,
        };
        let metrics = self.folder.join(format!("{name}.json"));
        let text = self.named(&metrics, fs::read(&metrics))?;
        Ok(Some(Kept {
            segment: CodedSegment::read(track, &read_media(&bytes)?)?,
            metrics: serde_json::from_slice(&text)?,
        }))
    }

    /// Keeps a segment under `name`.
    pub(super) fn keep(&self, name: &str, track: &Track, kept: &Kept) -> Result<(), CliError> {
        self.named(&self.folder, fs::create_dir_all(&self.folder))?;
        self.put(&format!("{name}.json"), &serde_json::to_vec(&kept.metrics)?)?;
        let bytes = kept.segment.write(track, 1, 0)?;
        self.put(&format!("{name}.m4s"), &bytes)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), CliError> {
        let path = self.folder.join(name);
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        self.named(&path, write())
    }

    /// A failure with the file's name.
    fn named<T>(&self, path: &Path, result: io::Result<T>) -> Result<T, CliError> {
        result.map_err(|error| CliError::input(format!("{}: {error}", path.display())))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::WorkFolder;
    use crate::frame::Frame;
    use crate::invert::Span;

    #[test]
    fn names_depend_on_number_setting_and_frames() {
        let title = std::path::Path::new("/nowhere/title");
        let name = |setting, number, grey| {
            let span = Span {
                frames: vec![Frame::new(1, 1, vec![grey; 3]).unwrap()],
                positions: vec![0],
            };
            WorkFolder::beside(title, setting)
                .unwrap()
                .name(number, &span)
        };
        let base = name("a", 0, 0);
        assert_eq!(base, name("a", 0, 0));
        for other in [name("b", 0, 0), name("a", 1, 0), name("a", 0, 1)] {
            assert_ne!(base, other);
        }
        assert!(WorkFolder::beside("/".as_ref(), "a").is_err());
    }
}
