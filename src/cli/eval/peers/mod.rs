//! Other codecs on the same clip: every codec at several rates, picture sizes and frame rates,
//! each decoded, brought back to the title's size and rate, and measured with the same metrics.
//!
//! What is enlarged is enlarged by Lanczos; what is coded at a lower frame rate shows each picture
//! for longer. Encodes run side by side, one a core. A codec's hull over all of this is what a
//! sane ladder of it would offer.

mod cache;
mod codec;
mod taesd;

pub(super) use codec::Codec;

use super::ffmpeg::{Ffmpeg, decode_rgb, rgb_frame};
use super::figures::{Figures, Tally};
use super::ours::kbps;
use super::spool::Spool;
use super::wrapping;
use crate::cli::CliError;
use crate::cli::scores::{Score, Scorer, mean};
use crate::frame::Frame;
use crate::manifest::{Metrics, RungQuality, SegmentQuality};
use crate::time::FrameRate;
use cache::Cache;
use codec::{Encode, scaled};
use indicatif::ProgressBar;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use taesd::Taesd;

/// Changes when figures of the same video would come out otherwise.
const FIGURES_VERSION: u32 = 1;

/// What to compare with.
pub(super) struct Grid<'a> {
    pub(super) codecs: &'a [Codec],
    /// Target rates, kbit/s.
    pub(super) rates: &'a [f64],
    /// Shares of the picture's sides.
    pub(super) sizes: &'a [f64],
    /// Every how many-th frame is coded.
    pub(super) every: &'a [u32],
    /// Length of a group of pictures, seconds.
    pub(super) gop_s: f64,
    /// Every how many-th frame is measured.
    pub(super) sample: u32,
    /// Instead of the user's cache folder.
    pub(super) cache: Option<&'a Path>,
}

/// What a codec reached with one setting.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Peer {
    pub(super) codec: Codec,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) fps: f64,
    pub(super) target_kbps: f64,
    /// True rate, counted like ours.
    pub(super) kbps: f64,
    /// What of it is coded pictures, without boxes.
    pub(super) payload_kbps: f64,
    pub(super) bytes: u64,
    #[serde(flatten)]
    pub(super) figures: Figures,
    #[serde(skip)]
    video: PathBuf,
    #[serde(skip)]
    every: u32,
    /// Frames that a group of pictures shows.
    #[serde(skip)]
    group: u64,
    /// What decides the video, as the cache knows it.
    #[serde(skip)]
    key: String,
}

/// What was measured of each frame of a video, summed up.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    mean: Metrics,
    groups: Vec<Metrics>,
}

impl Peer {
    /// Its name as a rung, such as `x265-192x192@15-20k`.
    fn name(&self) -> String {
        let fps = (self.fps * 100.0).round() / 100.0;
        let (codec, width, height) = (self.codec.name(), self.width, self.height);
        format!("{codec}-{width}x{height}@{fps}-{}k", self.target_kbps)
    }
}

/// The clip and what it is measured with.
pub(super) struct Bench<'a> {
    ffmpeg: &'a Ffmpeg,
    originals: &'a Spool,
    rate: FrameRate,
    scorer: &'a Scorer,
    vmaf: bool,
    digest: String,
    cache: Cache,
    gop_s: f64,
    sample: u32,
    taesd: Option<Taesd>,
}

impl<'a> Bench<'a> {
    /// A bench for `grid`. Fails if ffmpeg lacks an encoder, or weights are missing.
    pub(super) fn new(
        grid: &Grid<'_>,
        ffmpeg: &'a Ffmpeg,
        originals: &'a Spool,
        rate: FrameRate,
        scorer: &'a Scorer,
        vmaf: bool,
    ) -> Result<Self, CliError> {
        let missing = grid.codecs.iter().map(|codec| codec.encoder());
        if let Some(encoder) = missing.into_iter().find(|name| !ffmpeg.has_encoder(name)) {
            let version = ffmpeg.version();
            let message = format!("--against: `{version}` has no encoder {encoder}");
            return Err(CliError::input(message));
        }
        let taesd = grid.codecs.contains(&Codec::Taesd);
        Ok(Self {
            ffmpeg,
            originals,
            rate,
            scorer,
            vmaf: vmaf && ffmpeg.judges(),
            digest: originals.digest(),
            cache: Cache::open(grid.cache)?,
            gop_s: grid.gop_s,
            sample: grid.sample.max(1),
            taesd: taesd.then(|| Taesd::of(originals)).transpose()?,
        })
    }

    /// Length of a group of pictures, seconds.
    pub(super) fn gop_s(&self) -> f64 {
        self.gop_s
    }

    /// Every codec with every setting, in the order of the grid. A setting that a codec refuses is
    /// left out with a word; it is an error if none is left of a codec.
    pub(super) fn run(&self, grid: &Grid<'_>) -> Result<Vec<Peer>, CliError> {
        let jobs = self.jobs(grid)?;
        let bar = ProgressBar::new(jobs.len() as u64);
        let done = |job: &Encode| {
            let result = self.measured(job);
            bar.inc(1);
            match result {
                Ok(peer) => Some(peer),
                Err(error) => {
                    let (what, rate, why) = (job.describe(), job.kbps, error.message());
                    bar.suspend(|| eprintln!("{what}, {rate} kbit/s left out: {why}"));
                    None
                }
            }
        };
        let peers: Vec<Peer> = jobs.par_iter().filter_map(done).collect();
        bar.finish_and_clear();
        for codec in grid.codecs {
            if !peers.iter().any(|peer| peer.codec == *codec) {
                let name = codec.name();
                return Err(CliError::check(format!(
                    "{name}: no setting could be encoded"
                )));
            }
        }
        Ok(peers)
    }

    fn jobs(&self, grid: &Grid<'_>) -> Result<Vec<Encode>, CliError> {
        let mut jobs = Vec::new();
        for &codec in grid.codecs {
            let sizes = match codec {
                Codec::Taesd => &[1.0],
                _ => grid.sizes,
            };
            for &size in sizes {
                for &every in grid.every {
                    for &kbps in grid.rates {
                        jobs.push(self.job(codec, size, every, kbps)?);
                    }
                }
            }
        }
        Ok(jobs)
    }

    fn job(&self, codec: Codec, size: f64, every: u32, kbps: f64) -> Result<Encode, CliError> {
        let group = self.gop_s * self.rate.fps() / f64::from(every);
        if !(kbps > 0.0 && group.is_finite() && every > 0) {
            let message = "--against-rates, --against-gop and --against-every must be positive";
            return Err(CliError::input(message));
        }
        let (format, raw) = match &self.taesd {
            Some(taesd) if codec == Codec::Taesd => ("gray", taesd.size()),
            _ => ("rgb24", self.originals.size()),
        };
        let size = match codec {
            Codec::Taesd => raw,
            _ => scaled(raw, size)?,
        };
        Ok(Encode {
            codec,
            input: (format, raw, self.rate),
            size,
            every,
            kbps,
            gop: (group.round() as u64).max(1),
        })
    }

    /// Encodes, decodes and measures, or takes all that from the cache.
    fn measured(&self, job: &Encode) -> Result<Peer, CliError> {
        let key = format!("{}\n{}", self.digest, job.key(self.ffmpeg.version()));
        let video = self.cache.video(&key);
        if !video.is_file() {
            self.encode(job, &video)?;
        }
        let sizes = wrapping::sizes(&fs::read(&video)?);
        let duration_s = self.seconds(self.originals.frames());
        let with = (self.vmaf, self.sample, self.scorer.lpips().is_some());
        let figures_key = format!("{key}\nfigures {FIGURES_VERSION} {with:?}");
        let figures = match self.cache.load(&figures_key) {
            Some(figures) => figures,
            None => {
                let figures = self.figures(job, &video)?;
                self.cache.keep(&figures_key, &figures)?;
                figures
            }
        };
        Ok(Peer {
            codec: job.codec,
            width: job.size.0,
            height: job.size.1,
            fps: self.rate.fps() / f64::from(job.every),
            target_kbps: job.kbps,
            kbps: kbps(sizes.fetched, duration_s),
            payload_kbps: kbps(sizes.payload, duration_s),
            bytes: sizes.fetched,
            figures,
            video,
            every: job.every,
            group: job.gop * u64::from(job.every),
            key,
        })
    }

    /// `peer` as a rung of a ladder, rank 1 until it has its place: a segment a group of pictures,
    /// every frame of which is measured, whatever the sample.
    pub(super) fn rung(&self, peer: &Peer) -> Result<RungQuality, CliError> {
        let bytes = wrapping::segments(&fs::read(&peer.video)?);
        let name = peer.name();
        let groups = self.originals.frames().div_ceil(peer.group);
        if bytes.len() as u64 != groups {
            let found = bytes.len();
            let message = format!("{name}: {found} fragments where {groups} groups were asked for");
            return Err(CliError::check(message));
        }
        let measured = self.by_group(peer)?;
        let edge_s = |group: usize| {
            let frame = (group as u64 * peer.group).min(self.originals.frames());
            self.seconds(frame)
        };
        let segments = bytes.iter().zip(&measured.groups).enumerate();
        let segments = segments.map(|(group, (&bytes, &metrics))| SegmentQuality {
            start_s: edge_s(group),
            duration_s: edge_s(group + 1) - edge_s(group),
            bytes,
            measured_frames: None,
            metrics,
        });
        Ok(RungQuality {
            id: name,
            rank: 1,
            kbps: peer.kbps,
            mean: measured.mean,
            segments: segments.collect(),
        })
    }

    /// What every frame of `peer` scores, group by group, or that from the cache.
    fn by_group(&self, peer: &Peer) -> Result<Measured, CliError> {
        let lpips = self.scorer.lpips().is_some();
        let key = format!("{}\ngroups {FIGURES_VERSION} {lpips}", peer.key);
        if let Some(measured) = self.cache.load(&key) {
            return Ok(measured);
        }
        let mut scores: Vec<Score> = Vec::new();
        self.shown(peer.codec, &peer.video, peer.every, &mut |_, aim, frame| {
            scores.push(self.scorer.score(aim, frame)?);
            Ok(())
        })?;
        scores.resize(self.originals.frames() as usize, self.scorer.missing());
        let measured = Measured {
            mean: mean(&scores),
            groups: scores.chunks(peer.group as usize).map(mean).collect(),
        };
        self.cache.keep(&key, &measured)?;
        Ok(measured)
    }

    fn seconds(&self, frames: u64) -> f64 {
        self.rate.time_of(frames).seconds()
    }

    fn encode(&self, job: &Encode, video: &Path) -> Result<(), CliError> {
        let workshop = self.cache.workshop()?;
        let input = match &self.taesd {
            Some(taesd) if job.codec == Codec::Taesd => taesd.path(),
            _ => self.originals.path(),
        };
        for pass in [1, 2] {
            let arguments = job.arguments(pass, input, "out.mp4");
            self.ffmpeg.run(workshop.path(), &arguments)?;
            // Older wrappers of SVT-AV1 take statistics of no pass: the first is all there is.
            let log = fs::metadata(workshop.path().join("pass-0.log"));
            if log.is_ok_and(|log| log.len() == 0) {
                break;
            }
        }
        fs::rename(workshop.path().join("out.mp4"), video)?;
        Ok(())
    }

    fn figures(&self, job: &Encode, video: &Path) -> Result<Figures, CliError> {
        let mut tally = Tally::default();
        let mut shown = match self.vmaf {
            true => Some(Spool::new(self.originals.size())?),
            false => None,
        };
        let all = self.originals.frames();
        let group = job.gop * u64::from(job.every);
        let each = &mut |number: u64, original: &Frame, frame: &Frame| {
            let measured = number.is_multiple_of(u64::from(self.sample));
            let score = measured.then(|| self.scorer.score(original, frame));
            let score = score.transpose()?;
            tally.push(original, frame, score, number.is_multiple_of(group))?;
            if let Some(spool) = &mut shown {
                spool.push(frame)?;
            }
            Ok(())
        };
        let number = self.shown(job.codec, video, job.every, each)?;
        for _ in number..all {
            tally.push_missing(self.scorer);
        }
        let mut figures = tally.figures();
        if let Some(shown) = shown {
            figures.vmaf = self.ffmpeg.vmaf(self.originals, &shown, self.rate)?;
        }
        Ok(figures)
    }

    /// Hands `each` every frame's number, original and what `video` shows in its place, in order;
    /// gives how many there were.
    fn shown(
        &self,
        codec: Codec,
        video: &Path,
        every: u32,
        each: &mut dyn FnMut(u64, &Frame, &Frame) -> Result<(), CliError>,
    ) -> Result<u64, CliError> {
        let mut number = 0;
        self.decode(codec, video, &mut |frame| {
            let end = (number + u64::from(every)).min(self.originals.frames());
            while number < end {
                each(number, &self.originals.frame(number)?, &frame)?;
                number += 1;
            }
            Ok(())
        })?;
        Ok(number)
    }

    /// Every coded frame of `video` as it is shown, in order.
    fn decode(
        &self,
        codec: Codec,
        video: &Path,
        each: &mut dyn FnMut(Frame) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let size = self.originals.size();
        match (&self.taesd, codec) {
            (Some(taesd), Codec::Taesd) => taesd.decode(self.ffmpeg, video, size, each),
            _ => {
                let arguments = decode_rgb(video, size);
                let bytes = 3 * size.0 as usize * size.1 as usize;
                let folder = Path::new(".");
                self.ffmpeg
                    .pictures(folder, &arguments, bytes, &mut |data| {
                        each(rgb_frame(size, data)?)
                    })
            }
        }
    }

    /// Frames `numbers` as `peer` shows them, in that order.
    pub(super) fn frames(&self, peer: &Peer, numbers: &[u64]) -> Result<Vec<Frame>, CliError> {
        let mut found = vec![None; numbers.len()];
        let mut coded = 0;
        self.decode(peer.codec, &peer.video, &mut |frame| {
            for (number, place) in numbers.iter().zip(&mut found) {
                if number / u64::from(peer.every) == coded {
                    *place = Some(frame.clone());
                }
            }
            coded += 1;
            Ok(())
        })?;
        let all: Option<Vec<Frame>> = found.into_iter().collect();
        all.ok_or_else(|| CliError::check("a coded video lacks frames"))
    }
}
