//! The original's frames, in the title's size and at its rate.

use super::EvaluateError;
use super::spool::Spool;
use crate::frame::Frame;
use crate::manifest::SourceRecord;
use crate::package::Title;
use crate::segment::Track;
use crate::source::{Fit, Geometry, Options, Source};
use std::path::Path;

/// The original, read once from front to back.
pub struct Originals {
    source: Source,
    geometry: Geometry,
    /// Name of the file or folder.
    pub(super) name: String,
    read: u64,
    /// The frames read so far, if they are kept.
    pub(super) kept: Option<Spool>,
}

impl Originals {
    /// Opens `reference`, anything that `encode` reads, as the original of `title`: its pictures are
    /// scaled as the title's record of its source says, or as `scale` says. With `keep`, frames are
    /// spooled for later look-up.
    ///
    /// Fails unless rate and size are the title's.
    pub fn open(
        reference: &Path,
        title: &Title,
        scale: Option<Fit>,
        keep: bool,
    ) -> Result<Self, EvaluateError> {
        let rung = title.rungs().first().ok_or_else(EvaluateError::no_rungs)?;
        let (track, record) = (rung.track(), title.source()?);
        let name = reference.display().to_string();
        let (source, geometry) = open_as(reference, record.as_ref(), scale, track)?;
        let (found, expected) = (source.frame_rate(), track.frame_rate);
        if found != expected {
            let problem = format!("{found} frames a second, the title has {expected}");
            return Err(mismatch(&name, &problem));
        }
        let (found, expected) = (geometry.visible(), track.visible);
        if found != expected {
            let problem =
                format!("pictures of {found:?}, the title's are {expected:?} (see --scale)");
            return Err(mismatch(&name, &problem));
        }
        let kept = keep.then(|| Spool::new(track.visible, track.frame_rate));
        Ok(Self {
            source,
            geometry,
            name,
            read: 0,
            kept: kept.transpose()?,
        })
    }

    /// The next `count` frames of a title that has `all`.
    pub(super) fn take(&mut self, count: u64, all: u64) -> Result<Vec<Frame>, EvaluateError> {
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
            let problem = format!("ends after {} frames, the title has {all}", self.read);
            return Err(mismatch(&self.name, &problem));
        }
        Ok(frames)
    }

    /// The frames that were read, if they were kept. Fails if there are more.
    pub(super) fn finish(mut self) -> Result<Option<Spool>, EvaluateError> {
        if self.source.next().is_some() {
            let read = self.read;
            let problem =
                format!("goes on after {read} frames, where the title ends: is it this title's?");
            return Err(mismatch(&self.name, &problem));
        }
        Ok(self.kept)
    }
}

fn mismatch(reference: &str, problem: &str) -> EvaluateError {
    EvaluateError::Input(format!("{reference}: {problem}"))
}

/// Opens `reference` at the track's rate, scaled as `record` says. Without a record, or with
/// `scale`, pictures are brought to the track's size.
fn open_as(
    reference: &Path,
    record: Option<&SourceRecord>,
    scale: Option<Fit>,
    track: &Track,
) -> Result<(Source, Geometry), EvaluateError> {
    let options = Options {
        frame_rate: Some(track.frame_rate),
        highest_rate: None,
        background: record.map(background).transpose()?.unwrap_or_default(),
        allow_damaged: record.is_some_and(|record| record.allow_damaged),
    };
    let source = Source::open(reference, &options)?;
    let (cell, fit, target) = match (record, scale) {
        (Some(record), None) => {
            let fit = record
                .scale
                .parse()
                .map_err(|problem: String| in_record(&problem))?;
            (record.cell, fit, record.size)
        }
        (_, scale) => {
            let fit = scale.unwrap_or_default();
            (1, fit, (fit != Fit::Native).then_some(track.visible))
        }
    };
    let geometry = Geometry::plan(source.size(), source.pixel_aspect(), cell, fit, target)?;
    Ok((source, geometry))
}

/// R, G and B of the record's `#rrggbb`.
fn background(record: &SourceRecord) -> Result<[u8; 3], EvaluateError> {
    let digits = record.background.strip_prefix('#');
    let number = digits.filter(|digits| digits.len() == 6);
    let number = number.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let problem = || format!("background `{}`, expected #rrggbb", record.background);
    let [_, rgb @ ..] = number.ok_or_else(|| in_record(&problem()))?.to_be_bytes();
    Ok(rgb)
}

fn in_record(problem: &str) -> EvaluateError {
    EvaluateError::Input(format!("source.json of the title: {problem}"))
}
