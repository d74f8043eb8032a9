//! The original's frames, in the title's size and at its rate.

use super::spool::Spool;
use crate::cli::CliError;
use crate::cli::picture_args::open_again;
use crate::frame::Frame;
use crate::manifest::SourceRecord;
use crate::segment::Track;
use crate::source::{Fit, Geometry, Source};
use std::path::Path;

/// The originals, read once from front to back.
pub(super) struct Originals {
    source: Source,
    geometry: Geometry,
    name: String,
    read: u64,
    kept: Option<Spool>,
}

impl Originals {
    /// Opens `reference` for a title that `track` describes; with `keep`, frames that were read
    /// can be looked up again. `how` pictures were made: as the title's record says, or in another
    /// way. Fails unless rate and size are the title's.
    pub(super) fn open(
        reference: &Path,
        how: (Option<&SourceRecord>, Option<Fit>),
        track: &Track,
        keep: bool,
    ) -> Result<Self, CliError> {
        let wanted = (track.visible, track.frame_rate);
        let (source, geometry) = open_again(reference, how.0, how.1, wanted)?;
        let name = reference.display().to_string();
        if source.frame_rate() != track.frame_rate {
            return Err(CliError::input(format!(
                "{name}: {} frames a second, the title has {}",
                source.frame_rate(),
                track.frame_rate
            )));
        }
        if geometry.visible() != track.visible {
            return Err(CliError::input(format!(
                "{name}: pictures of {:?}, the title's are {:?} (see --scale)",
                geometry.visible(),
                track.visible
            )));
        }
        Ok(Self {
            source,
            geometry,
            name,
            read: 0,
            kept: keep.then(|| Spool::new(track.visible)).transpose()?,
        })
    }

    /// The next `count` frames of a title that has `all`.
    pub(super) fn take(&mut self, count: u64, all: u64) -> Result<Vec<Frame>, CliError> {
        let mut frames = Vec::new();
        for frame in self.source.by_ref().take(count as usize) {
            let frame = self.geometry.visible_frame(&frame?)?;
            if let Some(spool) = &mut self.kept {
                spool.push(&frame)?;
            }
            frames.push(frame);
        }
        self.read += frames.len() as u64;
        if (frames.len() as u64) < count {
            let (name, read) = (&self.name, self.read);
            let message = format!("{name}: ends after {read} frames, the title has {all}");
            return Err(CliError::input(message));
        }
        Ok(frames)
    }

    /// What was read, if it was kept. Fails if there is more.
    pub(super) fn finish(mut self) -> Result<Option<Spool>, CliError> {
        if self.source.next().is_some() {
            let (name, read) = (self.name, self.read);
            return Err(CliError::input(format!(
                "{name}: goes on after {read} frames, where the title ends: is it this title's?"
            )));
        }
        Ok(self.kept)
    }
}
