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
use std::io::{Cursor, Read, Write};
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
        let cannot =
            |error: &dyn std::error::Error| PackageError::mixed("segment", error.to_string());
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
        let metrics = serde_json::to_vec(&self.measured()).map_err(|error| cannot(&error))?;
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default());
        let entries = [
            (TRACK, &track),
            (SEGMENT, &segment),
            (QUALITY, &metrics),
            (POSTER, &self.poster),
        ];
        for (name, bytes) in entries {
            zip.start_file(name, options)
                .map_err(|error| cannot(&error))?;
            zip.write_all(bytes).map_err(|error| cannot(&error))?;
        }
        Ok(zip.finish().map_err(|error| cannot(&error))?.into_inner())
    }

    fn measured(&self) -> Measured {
        let rungs = self.metrics.clone();
        match self.measured_frames {
            None => Measured::Whole(rungs),
            Some(measured_frames) => Measured::Sampled {
                measured_frames,
                rungs,
            },
        }
    }

    /// Reads an object; `place` names it in errors.
    ///
    /// Fails if it is truncated, damaged down to its prompts, or not a segment.
    pub fn from_bytes(place: &str, bytes: &[u8]) -> Result<Self, PackageError> {
        let damaged = |problem: String| PackageError::damaged(place, problem);
        let mut zip =
            ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(error.to_string()))?;
        let mut entry = |name: &str| {
            let named = |error: &dyn std::fmt::Display| damaged(format!("{name}: {error}"));
            let mut entry = zip.by_name(name).map_err(|error| named(&error))?;
            let stored = entry.compression() == CompressionMethod::Stored;
            if !stored || entry.size() > bytes.len() as u64 {
                return Err(named(&"it is compressed, expected stored"));
            }
            let mut content = Vec::new();
            entry
                .read_to_end(&mut content)
                .map_err(|error| named(&error))?;
            Ok(content)
        };
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
