//! One finished segment as one object: a zip of stored entries, so that any tool can look inside
//! and every byte is under a CRC.

use crate::manifest::Metrics;
use crate::package::PackageError;
use crate::package::rung::decode;
use crate::segment::Track;
use crate::segment::coded::CodedSegment;
use crate::segment::init::{Bitrates, read_init, write_init};
use crate::segment::media::read_media;
use serde::{Deserialize, Serialize};
use std::io::{self, Cursor, Read, Write};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// The highest rung's configuration, as an init segment.
const TRACK: &str = "track.mp4";
/// All components, as a media segment.
const SEGMENT: &str = "segment.m4s";
/// A list with the metrics of every rung.
const QUALITY: &str = "quality.json";
/// The middle frame.
const POSTER: &str = "poster.jpg";

/// Content of [`QUALITY`].
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Measured {
    Whole(Vec<Metrics>),
    Sampled {
        measured_frames: u32,
        rungs: Vec<Metrics>,
    },
}

/// A finished segment.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedSegment {
    /// Configuration of the highest rung.
    pub track: Track,
    /// With all components.
    pub segment: CodedSegment,
    /// Of each rung, lowest first; empty if not measured.
    pub metrics: Vec<Metrics>,
    /// Number of measured frames, if not all were.
    pub measured_frames: Option<u32>,
    /// A JPEG of the middle frame.
    pub poster: Vec<u8>,
}

impl FinishedSegment {
    /// The object's bytes, the same for the same segment.
    ///
    /// Fails if the segment cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, PackageError> {
        let rates = Bitrates {
            largest_segment: 0,
            peak: 0,
            average: 0,
        };
        let length = self.track.frame_rate.time_of(self.segment.frames.into());
        let track = write_init(&self.track, length, rates);
        let track = track.map_err(PackageError::segment(TRACK))?;
        let segment = self.segment.write(&self.track, 1, 0);
        let segment = segment.map_err(PackageError::segment(SEGMENT))?;
        let zip = || -> Result<Vec<u8>, ZipError> {
            let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .last_modified_time(DateTime::default());
            for (name, bytes) in [
                (TRACK, &track),
                (SEGMENT, &segment),
                (QUALITY, &self.measured()?),
                (POSTER, &self.poster),
            ] {
                zip.start_file(name, options)?;
                zip.write_all(bytes)?;
            }
            Ok(zip.finish()?.into_inner())
        };
        zip().map_err(|error| PackageError::invalid("segment", error.to_string()))
    }

    /// Content of [`QUALITY`].
    fn measured(&self) -> io::Result<Vec<u8>> {
        let rungs = self.metrics.clone();
        let measured = match self.measured_frames {
            None => Measured::Whole(rungs),
            Some(measured_frames) => Measured::Sampled {
                measured_frames,
                rungs,
            },
        };
        Ok(serde_json::to_vec(&measured)?)
    }

    /// Reads an object; `place` names it in errors.
    ///
    /// Fails if it is truncated, damaged down to its prompts, or not a segment.
    pub fn from_bytes(place: &str, bytes: &[u8]) -> Result<Self, PackageError> {
        let damaged = |problem: String| PackageError::invalid(place, problem);
        let zip = ZipArchive::new(Cursor::new(bytes));
        let mut zip = zip.map_err(|error| damaged(error.to_string()))?;
        let mut read = |name: &str| -> Result<Vec<u8>, ZipError> {
            let (mut entry, mut content) = (zip.by_name(name)?, Vec::new());
            let stored = entry.compression() == CompressionMethod::Stored;
            if !stored || entry.size() > bytes.len() as u64 {
                let problem = "it is compressed, expected stored";
                return Err(io::Error::other(problem).into());
            }
            entry.read_to_end(&mut content)?;
            Ok(content)
        };
        let mut entry = |name: &str| read(name).map_err(|e| damaged(format!("{name}: {e}")));
        let within = |name: &str| PackageError::segment(format!("{place}: {name}"));
        let track = read_init(&entry(TRACK)?).map_err(within(TRACK))?;
        let segment = read_media(&entry(SEGMENT)?)
            .and_then(|media| CodedSegment::read(&track, &media))
            .map_err(within(SEGMENT))?;
        decode(&format!("{place}: {SEGMENT}"), 1, &track, &segment)?;
        let measured = serde_json::from_slice(&entry(QUALITY)?);
        let measured = measured.map_err(|error| damaged(format!("{QUALITY}: {error}")))?;
        let (metrics, measured_frames) = match measured {
            Measured::Whole(metrics) => (metrics, None),
            Measured::Sampled {
                measured_frames,
                rungs,
            } => (rungs, Some(measured_frames)),
        };
        Ok(Self {
            measured_frames,
            poster: entry(POSTER)?,
            track,
            segment,
            metrics,
        })
    }
}
