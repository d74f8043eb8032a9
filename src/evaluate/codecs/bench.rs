//! Runs the encodes of a grid and measures them.

use super::cache::Cache;
use super::codec::Codec;
use super::encode::Encode;
use super::ffmpeg::{Ffmpeg, decode_rgb};
use super::grid::Grid;
use super::taesd::Taesd;
use crate::evaluate::EvaluateError;
use crate::evaluate::figures::Figures;
use crate::evaluate::fragments::{self, Sizes};
use crate::evaluate::progress::{Observer, Progress};
use crate::evaluate::rungs::kbps;
use crate::evaluate::spool::Spool;
use crate::evaluate::tally::Tally;
use crate::frame::Frame;
use crate::manifest::{Metrics, RungQuality, SegmentQuality};
use crate::quality::{Score, Scorer, mean};
use crate::time::FrameRate;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Changes when equal videos would get other figures, so that cached ones are not used.
const FIGURES_VERSION: u32 = 1;

/// The clip, and the tools that it is coded and measured with.
#[derive(Debug, Clone, Copy)]
pub struct Clip<'a> {
    /// Its frames.
    pub originals: &'a Spool,
    /// Its frame rate.
    pub frame_rate: FrameRate,
    /// The metrics.
    pub scorer: &'a Scorer,
    /// Encoder and decoder.
    pub ffmpeg: &'a Ffmpeg,
    /// Whether VMAF is computed, where `ffmpeg` does.
    pub vmaf: bool,
}

/// Figures of a codec at one setting.
#[derive(Debug, Clone, Serialize)]
pub struct Encoded {
    /// The codec.
    pub codec: Codec,
    /// Width of the coded pictures in pixels.
    pub width: u32,
    /// Their height.
    pub height: u32,
    /// Coded frames a second.
    pub fps: f64,
    /// The rate that the encoder was asked for, kbit/s.
    pub target_kbps: f64,
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
    #[serde(skip)]
    every: u32,
    /// Frames that a group of pictures shows.
    #[serde(skip)]
    group: u64,
    /// Cache key of the video.
    #[serde(skip)]
    key: String,
}

impl Encoded {
    /// Name as a rung, such as `x265-192x192@15-20k`.
    fn name(&self) -> String {
        let fps = (self.fps * 100.0).round() / 100.0;
        let (codec, width, height) = (self.codec, self.width, self.height);
        format!("{codec}-{width}x{height}@{fps}-{}k", self.target_kbps)
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
    clip: Clip<'a>,
    grid: &'a Grid,
    digest: String,
    cache: Cache,
    taesd: Option<Taesd>,
}

impl<'a> CodecBench<'a> {
    /// The comparison of `grid` on `clip`. Fails if ffmpeg lacks an encoder, or weights are missing.
    pub fn new(clip: Clip<'a>, grid: &'a Grid) -> Result<Self, EvaluateError> {
        let mut encoders = grid.codecs.iter().map(|codec| codec.encoder());
        if let Some(encoder) = encoders.find(|name| !clip.ffmpeg.has_encoder(name)) {
            let version = clip.ffmpeg.version().to_owned();
            return Err(EvaluateError::NoEncoder { version, encoder });
        }
        let taesd = grid.codecs.contains(&Codec::Taesd);
        Ok(Self {
            clip,
            grid,
            digest: clip.originals.digest(),
            cache: Cache::open(grid.cache.as_deref())?,
            taesd: taesd.then(|| Taesd::of(clip.originals)).transpose()?,
        })
    }

    /// Length of a group of pictures, seconds.
    pub fn gop_s(&self) -> f64 {
        self.grid.gop_s
    }

    /// Every codec at every setting, in the order of the grid. A setting that a codec refuses is
    /// reported to `observer` and left out; fails if a codec has none left.
    pub fn run(&self, observer: Observer<'_>) -> Result<Vec<Encoded>, EvaluateError> {
        let latents = self.taesd.as_ref().map(Taesd::size);
        let size = self.clip.originals.size();
        let encodes = self.grid.encodes(size, latents, self.clip.frame_rate)?;
        let (counter, total) = (AtomicUsize::new(0), encodes.len());
        let measured = |encode: &Encode| {
            let result = self.measured(encode);
            if let Err(error) = &result {
                let (encode, kbps) = (encode.describe(), encode.kbps);
                observer(Progress::Refused {
                    encode,
                    kbps,
                    error,
                });
            }
            let done = counter.fetch_add(1, Ordering::Relaxed) + 1;
            observer(Progress::Encodes { done, total });
            result.ok()
        };
        let encoded: Vec<Encoded> = encodes.par_iter().filter_map(measured).collect();
        for &codec in &self.grid.codecs {
            if !encoded.iter().any(|video| video.codec == codec) {
                let codec = codec.name();
                return Err(EvaluateError::NoSetting { codec });
            }
        }
        Ok(encoded)
    }

    /// Encodes, decodes and measures, or takes all that from the cache.
    fn measured(&self, encode: &Encode) -> Result<Encoded, EvaluateError> {
        let key = format!(
            "{}\n{}",
            self.digest,
            encode.key(self.clip.ffmpeg.version())
        );
        let video = self.cache.video(&key);
        if !video.is_file() {
            self.encode(encode, &video)?;
        }
        let sizes = sizes(&video)?;
        let duration_s = self.seconds(self.clip.originals.frames());
        let lpips = self.clip.scorer.lpips().is_some();
        let with = (self.vmaf(), self.grid.sample.max(1), lpips);
        let figures_key = format!("{key}\nfigures {FIGURES_VERSION} {with:?}");
        let figures = match self.cache.load(&figures_key) {
            Some(figures) => figures,
            None => {
                let figures = self.figures(encode, &video)?;
                self.cache.store(&figures_key, &figures)?;
                figures
            }
        };
        Ok(Encoded {
            codec: encode.codec,
            width: encode.size.0,
            height: encode.size.1,
            fps: encode.rate.fps() / f64::from(encode.every),
            target_kbps: encode.kbps,
            kbps: kbps(sizes.fetched, duration_s),
            payload_kbps: kbps(sizes.payload, duration_s),
            bytes: sizes.fetched,
            figures,
            video,
            every: encode.every,
            group: encode.gop * u64::from(encode.every),
            key,
        })
    }

    /// `video` as a rung of a ladder, rank 1 until it has its place: a segment a group of pictures,
    /// every frame of which is measured, whatever the sample.
    pub(in crate::evaluate) fn rung(&self, video: &Encoded) -> Result<RungQuality, EvaluateError> {
        let bytes = sizes(&video.video)?.segments;
        let frames = self.clip.originals.frames();
        let expected = frames.div_ceil(video.group);
        if bytes.len() as u64 != expected {
            return Err(EvaluateError::Fragments {
                encode: video.name(),
                found: bytes.len(),
                expected,
            });
        }
        let measured = self.by_group(video)?;
        let edge_s = |group: usize| self.seconds((group as u64 * video.group).min(frames));
        let segments = bytes.iter().zip(&measured.groups).enumerate();
        let segments = segments.map(|(group, (&bytes, &metrics))| SegmentQuality {
            start_s: edge_s(group),
            duration_s: edge_s(group + 1) - edge_s(group),
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

    /// Scores of every frame of `video`, group by group, computed or from the cache.
    fn by_group(&self, video: &Encoded) -> Result<Grouped, EvaluateError> {
        let scorer = self.clip.scorer;
        let lpips = scorer.lpips().is_some();
        let key = format!("{}\ngroups {FIGURES_VERSION} {lpips}", video.key);
        if let Some(measured) = self.cache.load(&key) {
            return Ok(measured);
        }
        let mut scores: Vec<Score> = Vec::new();
        self.shown(
            video.codec,
            &video.video,
            video.every,
            &mut |_, target, frame| {
                scores.push(scorer.score(target, frame)?);
                Ok(())
            },
        )?;
        scores.resize(self.clip.originals.frames() as usize, scorer.missing());
        let measured = Grouped {
            mean: mean(&scores),
            groups: scores.chunks(video.group as usize).map(mean).collect(),
        };
        self.cache.store(&key, &measured)?;
        Ok(measured)
    }

    fn seconds(&self, frames: u64) -> f64 {
        self.clip.frame_rate.time_of(frames).seconds()
    }

    fn vmaf(&self) -> bool {
        self.clip.vmaf && self.clip.ffmpeg.computes_vmaf()
    }

    fn encode(&self, encode: &Encode, video: &Path) -> Result<(), EvaluateError> {
        let folder = self.cache.work_folder()?;
        let input = match &self.taesd {
            Some(taesd) if encode.codec == Codec::Taesd => taesd.path(),
            _ => self.clip.originals.path(),
        };
        for pass in [1, 2] {
            let arguments = encode.arguments(pass, input, "out.mp4");
            self.clip.ffmpeg.run(folder.path(), &arguments)?;
            // Older wrappers of SVT-AV1 write no statistics: their first pass is the result.
            let log = fs::metadata(folder.path().join("pass-0.log"));
            if log.is_ok_and(|log| log.len() == 0) {
                break;
            }
        }
        fs::rename(folder.path().join("out.mp4"), video).map_err(EvaluateError::io(video))
    }

    fn figures(&self, encode: &Encode, video: &Path) -> Result<Figures, EvaluateError> {
        let Clip {
            originals, scorer, ..
        } = self.clip;
        let mut tally = Tally::default();
        let spool = self.vmaf().then(|| Spool::new(originals.size()));
        let mut shown = spool.transpose()?;
        let group = encode.gop * u64::from(encode.every);
        let sample = u64::from(self.grid.sample.max(1));
        let each = &mut |number: u64, original: &Frame, frame: &Frame| {
            let measured = number.is_multiple_of(sample);
            let score = measured.then(|| scorer.score(original, frame));
            tally.push(
                original,
                frame,
                score.transpose()?,
                number.is_multiple_of(group),
            )?;
            if let Some(spool) = &mut shown {
                spool.push(frame)?;
            }
            Ok(())
        };
        let number = self.shown(encode.codec, video, encode.every, each)?;
        for _ in number..originals.frames() {
            tally.push_missing(scorer);
        }
        let mut figures = tally.figures();
        if let Some(shown) = shown {
            figures.vmaf = self
                .clip
                .ffmpeg
                .vmaf(originals, &shown, self.clip.frame_rate)?;
        }
        Ok(figures)
    }

    /// Calls `each` with every frame's number, original and the picture that `video` shows in its
    /// place, in order; returns the number of frames.
    fn shown(
        &self,
        codec: Codec,
        video: &Path,
        every: u32,
        each: &mut dyn FnMut(u64, &Frame, &Frame) -> Result<(), EvaluateError>,
    ) -> Result<u64, EvaluateError> {
        let originals = self.clip.originals;
        let mut number = 0;
        self.decode(codec, video, &mut |frame| {
            let end = (number + u64::from(every)).min(originals.frames());
            while number < end {
                each(number, &originals.frame(number)?, &frame)?;
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
        let size = self.clip.originals.size();
        if let Some(taesd) = self.taesd.as_ref().filter(|_| codec == Codec::Taesd) {
            return taesd.decode(self.clip.ffmpeg, video, size, each);
        }
        let bytes = 3 * size.0 as usize * size.1 as usize;
        let arguments = decode_rgb(video, size);
        self.clip.ffmpeg.pictures(&arguments, bytes, &mut |data| {
            each(Frame::new(size.0, size.1, data)?)
        })
    }

    /// Frames `numbers` as `encoded` shows them, in that order.
    pub(in crate::evaluate) fn frames(
        &self,
        encoded: &Encoded,
        numbers: &[u64],
    ) -> Result<Vec<Frame>, EvaluateError> {
        let mut found = vec![None; numbers.len()];
        let mut coded = 0;
        self.decode(encoded.codec, &encoded.video, &mut |frame| {
            for (number, place) in numbers.iter().zip(&mut found) {
                if number / u64::from(encoded.every) == coded {
                    *place = Some(frame.clone());
                }
            }
            coded += 1;
            Ok(())
        })?;
        let all: Option<Vec<Frame>> = found.into_iter().collect();
        all.ok_or_else(|| EvaluateError::Ffmpeg(format!("{}: frames are missing", encoded.name())))
    }
}

fn sizes(video: &Path) -> Result<Sizes, EvaluateError> {
    let file = fs::read(video).map_err(EvaluateError::io(video))?;
    fragments::sizes(&file).map_err(|source| EvaluateError::Video {
        path: video.to_owned(),
        source,
    })
}
