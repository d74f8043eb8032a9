//! Runs the encodes of a grid and measures them.

use super::cache::Cache;
use super::codec::Codec;
use super::encode::Encode;
use super::ffmpeg::{Ffmpeg, SCALER, decode};
use super::grid::Grid;
use super::taesd::Taesd;
use crate::evaluate::EvaluateError;
use crate::evaluate::figures::Figures;
use crate::evaluate::fragments::{self, Sizes};
use crate::evaluate::progress::{Observer, Progress};
use crate::evaluate::rungs::{RungReport, kbps};
use crate::evaluate::spool::Spool;
use crate::evaluate::tally::Tally;
use crate::frame::Frame;
use crate::manifest::{Metrics, RungQuality, SegmentQuality};
use crate::quality::{Scorer, mean};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Changes when equal videos would get other figures, so that cached ones are not used.
const FIGURES_VERSION: u32 = 1;

/// Figures of a codec at one setting.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Encoded {
    /// The setting.
    #[serde(flatten)]
    pub encode: Encode,
    /// True rate in kbit/s, counted like a rung's.
    pub kbps: f64,
    /// Rate of the coded pictures alone, without boxes.
    pub payload_kbps: f64,
    /// Bytes of init and media segments.
    pub bytes: u64,
    /// Quality.
    #[serde(flatten)]
    pub figures: Figures,
    #[serde(skip)]
    video: PathBuf,
    /// Cache key of the video.
    #[serde(skip)]
    key: String,
}

impl Encoded {
    /// Name as a rung, such as `x265-192x192@15-20k`.
    fn name(&self) -> String {
        format!("{}-{}k", self.encode, self.encode.target_kbps)
    }
}

/// Means over all frames of a video, and group by group.
#[derive(Debug, Serialize, Deserialize)]
struct Grouped {
    mean: Metrics,
    groups: Vec<Metrics>,
}

/// A comparison of codecs on one clip.
pub struct CodecBench<'a> {
    originals: &'a Spool,
    scorer: &'a Scorer,
    pub(in crate::evaluate) ffmpeg: &'a Ffmpeg,
    grid: &'a Grid,
    /// Length of a group of pictures, seconds.
    pub gop_s: f64,
    cache: Cache,
    taesd: Option<Taesd>,
}

impl<'a> CodecBench<'a> {
    /// The comparison of `grid` with a title of `rungs`, whose original is `originals`. Fails if
    /// ffmpeg lacks an encoder, or weights are missing.
    pub fn new(
        rungs: &[RungReport],
        originals: &'a Spool,
        scorer: &'a Scorer,
        ffmpeg: &'a Ffmpeg,
        grid: &'a Grid,
    ) -> Result<Self, EvaluateError> {
        let mut encoders = grid.codecs.iter().map(|codec| codec.encoder());
        if let Some(encoder) = encoders.find(|name| !ffmpeg.has_encoder(name)) {
            let message = format!("`{}` has no encoder {encoder}", ffmpeg.version());
            return Err(EvaluateError::NotInstalled(message));
        }
        let segments = rungs.iter().flat_map(|rung| &rung.segments);
        let longest_s = segments
            .map(|segment| segment.quality.duration_s)
            .fold(0.0, f64::max);
        let taesd = grid.codecs.contains(&Codec::Taesd);
        Ok(Self {
            originals,
            scorer,
            ffmpeg,
            grid,
            gop_s: grid.gop_s.unwrap_or(longest_s),
            cache: Cache::open(grid.cache.as_deref())?,
            taesd: taesd.then(|| Taesd::of(originals)).transpose()?,
        })
    }

    /// Every codec at every setting, in the order of the grid. A setting that a codec refuses is
    /// reported to `observer` and left out; fails if a codec has none left.
    pub fn run(&self, observer: Observer<'_>) -> Result<Vec<Encoded>, EvaluateError> {
        let latents = self.taesd.as_ref().map(Taesd::size);
        let (size, rate) = (self.originals.size(), self.originals.rate());
        let encodes = self.grid.encodes(size, latents, rate, self.gop_s)?;
        let (counter, total) = (AtomicU64::new(0), encodes.len() as u64);
        let measured = |encode: &Encode| {
            let result = self.measured(encode);
            if let Err(error) = &result {
                let kbps = encode.target_kbps;
                let note = format!("{encode}, {kbps} kbit/s left out: {error}");
                observer(Progress::Note(note));
            }
            let done = counter.fetch_add(1, Ordering::Relaxed) + 1;
            observer(Progress::Done(done, total));
            result.ok()
        };
        let encoded: Vec<Encoded> = encodes.par_iter().filter_map(measured).collect();
        let has = |codec: &&Codec| encoded.iter().any(|video| video.encode.codec == **codec);
        match self.grid.codecs.iter().find(|codec| !has(codec)) {
            Some(codec) => Err(EvaluateError::Finding(format!(
                "{codec}: no setting could be encoded"
            ))),
            None => Ok(encoded),
        }
    }

    /// Encodes, decodes and measures, or takes all that from the cache.
    fn measured(&self, encode: &Encode) -> Result<Encoded, EvaluateError> {
        let digest = self.originals.digest();
        let key = format!("{digest}\n{}", encode.key(self.ffmpeg.version()));
        let video = self.cache.file(&key, "mp4");
        if !video.is_file() {
            self.encode(encode, &video)?;
        }
        let sizes = sizes(&video)?;
        let duration_s = self.seconds(self.originals.frames());
        let lpips = self.scorer.lpips().is_some();
        let with = (self.ffmpeg.vmaf, self.grid.sample.max(1), lpips);
        let figures_key = format!("{key}\nfigures {FIGURES_VERSION} {with:?}");
        let figures = || self.figures(encode, &video);
        Ok(Encoded {
            encode: encode.clone(),
            kbps: kbps(sizes.fetched, duration_s),
            payload_kbps: kbps(sizes.payload, duration_s),
            bytes: sizes.fetched,
            figures: self.cache.kept(&figures_key, figures)?,
            video,
            key,
        })
    }

    /// `video` as a rung of a ladder, rank 1 until it has its place: a segment a group of pictures,
    /// every frame of which is measured, whatever the sample.
    pub(in crate::evaluate) fn rung(&self, video: &Encoded) -> Result<RungQuality, EvaluateError> {
        let bytes = sizes(&video.video)?.segments;
        let (frames, group) = (self.originals.frames(), video.encode.group());
        let (found, expected) = (bytes.len() as u64, frames.div_ceil(group));
        if found != expected {
            return Err(EvaluateError::Finding(format!(
                "{}: {found} fragments, expected {expected} groups of pictures",
                video.name()
            )));
        }
        let lpips = self.scorer.lpips().is_some();
        let key = format!("{}\ngroups {FIGURES_VERSION} {lpips}", video.key);
        let measured = self.cache.kept(&key, || self.by_group(video))?;
        let edge_s = |index: usize| self.seconds((index as u64 * group).min(frames));
        let segments = bytes.iter().zip(&measured.groups).enumerate();
        let segments = segments.map(|(index, (&bytes, &metrics))| SegmentQuality {
            start_s: edge_s(index),
            duration_s: edge_s(index + 1) - edge_s(index),
            bytes,
            measured_frames: None,
            metrics,
        });
        Ok(RungQuality {
            id: video.name(),
            rank: 1,
            kbps: video.kbps,
            mean: measured.mean,
            segments: segments.collect(),
        })
    }

    /// Means of `video` over all of its frames, group by group.
    fn by_group(&self, video: &Encoded) -> Result<Grouped, EvaluateError> {
        let scores = self.tally(&video.encode, &video.video, 1, None)?.since(0);
        let groups = scores.chunks(video.encode.group() as usize);
        Ok(Grouped {
            mean: mean(&scores),
            groups: groups.map(mean).collect(),
        })
    }

    fn seconds(&self, frames: u64) -> f64 {
        self.originals.rate().time_of(frames).seconds()
    }

    fn encode(&self, encode: &Encode, video: &Path) -> Result<(), EvaluateError> {
        // On the cache's file system, so that the video can be renamed.
        let folder = tempfile::tempdir_in(&self.cache.folder);
        let folder = folder.map_err(EvaluateError::io(&self.cache.folder))?;
        let input = match &self.taesd {
            Some(taesd) if encode.codec == Codec::Taesd => taesd.path(),
            _ => self.originals.path(),
        };
        for pass in [1, 2] {
            let arguments = encode.arguments(pass, input, "out.mp4");
            self.ffmpeg.run(folder.path(), &arguments)?;
            // Older wrappers of SVT-AV1 write no statistics: their first pass is the result.
            let log = fs::metadata(folder.path().join("pass-0.log"));
            if log.is_ok_and(|log| log.len() == 0) {
                break;
            }
        }
        fs::rename(folder.path().join("out.mp4"), video).map_err(EvaluateError::io(video))
    }

    fn figures(&self, encode: &Encode, video: &Path) -> Result<Figures, EvaluateError> {
        let (originals, sample) = (self.originals, u64::from(self.grid.sample.max(1)));
        if !self.ffmpeg.vmaf {
            return Ok(self.tally(encode, video, sample, None)?.figures());
        }
        let mut shown = Spool::new(originals.size(), originals.rate())?;
        let mut figures = self
            .tally(encode, video, sample, Some(&mut shown))?
            .figures();
        figures.vmaf = self.ffmpeg.vmaf(originals, &shown)?;
        Ok(figures)
    }

    /// Scores of every `sample`-th frame of `video`; all frames go to `spool`.
    fn tally(
        &self,
        encode: &Encode,
        video: &Path,
        sample: u64,
        mut spool: Option<&mut Spool>,
    ) -> Result<Tally, EvaluateError> {
        let mut tally = Tally::default();
        let number = self.shown(encode, video, &mut |number, original, frame| {
            let measured = number.is_multiple_of(sample);
            let score = measured.then(|| self.scorer.score(original, frame));
            let begins_group = number.is_multiple_of(encode.group());
            tally.push(original, frame, score.transpose()?, begins_group)?;
            spool.as_mut().map_or(Ok(()), |spool| spool.push(frame))
        })?;
        for _ in number..self.originals.frames() {
            tally.push_missing(self.scorer);
        }
        Ok(tally)
    }

    /// Calls `each` with every frame's number, original and the picture that `video` shows in its
    /// place, in order; returns the number of frames.
    fn shown(
        &self,
        encode: &Encode,
        video: &Path,
        each: &mut dyn FnMut(u64, &Frame, &Frame) -> Result<(), EvaluateError>,
    ) -> Result<u64, EvaluateError> {
        let mut number = 0;
        self.decode(encode.codec, video, &mut |frame| {
            let end = (number + u64::from(encode.every)).min(self.originals.frames());
            while number < end {
                each(number, &self.originals.frame(number)?, &frame)?;
                number += 1;
            }
            Ok(())
        })?;
        Ok(number)
    }

    /// Calls `each` with every coded frame of `video` at the title's size, in order.
    fn decode(
        &self,
        codec: Codec,
        video: &Path,
        each: &mut dyn FnMut(Frame) -> Result<(), EvaluateError>,
    ) -> Result<(), EvaluateError> {
        let (width, height) = self.originals.size();
        if let Some(taesd) = self.taesd.as_ref().filter(|_| codec == Codec::Taesd) {
            return taesd.decode(self.ffmpeg, video, (width, height), each);
        }
        let colours = "in_color_matrix=bt601:in_range=tv,format=rgb24";
        let filter = format!("scale={width}:{height}:{SCALER}:{colours}");
        let (arguments, bytes) = (
            decode(video, &filter, "rgb24"),
            self.originals.frame_bytes(),
        );
        self.ffmpeg.pictures(&arguments, bytes, &mut |data| {
            each(Frame::new(width, height, data)?)
        })
    }

    /// Frames `numbers` as `encoded` shows them, in that order.
    pub(in crate::evaluate) fn frames(
        &self,
        encoded: &Encoded,
        numbers: &[u64],
    ) -> Result<Vec<Frame>, EvaluateError> {
        let mut found = vec![None; numbers.len()];
        self.shown(&encoded.encode, &encoded.video, &mut |number, _, frame| {
            let places = numbers.iter().zip(&mut found);
            let places = places.filter(|(wanted, _)| **wanted == number);
            places.for_each(|(_, place)| *place = Some(frame.clone()));
            Ok(())
        })?;
        let all: Option<Vec<Frame>> = found.into_iter().collect();
        let missing = || EvaluateError::Finding(format!("{}: frames are missing", encoded.name()));
        all.ok_or_else(missing)
    }
}

fn sizes(video: &Path) -> Result<Sizes, EvaluateError> {
    let file = fs::read(video).map_err(EvaluateError::io(video))?;
    fragments::sizes(&file, video)
}
