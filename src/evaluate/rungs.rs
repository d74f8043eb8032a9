//! One rung of a title, rendered segment by segment as a player would, against the original.

use super::codecs::Ffmpeg;
use super::figures::Figures;
use super::spool::Spool;
use super::tally::Tally;
use super::{EvaluateError, fragments};
use crate::frame::Frame;
use crate::manifest::SegmentQuality;
use crate::model::device;
use crate::model::installed::{self, Decoding};
use crate::package::TitleRung;
use crate::quality::{QualityError, Score, Scorer, mean};
use crate::render::SegmentRenderer;
use rayon::prelude::*;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Figures of a rung.
#[derive(Debug, Serialize)]
pub struct RungReport {
    /// Its name.
    pub id: String,
    /// Components of its prompts.
    pub rank: usize,
    /// True rate in kbit/s: init and media segments over the duration.
    pub kbps: f64,
    /// Rate of the prompts alone, without boxes, in kbit/s.
    pub payload_kbps: f64,
    /// Bytes of init and media segments.
    pub bytes: u64,
    /// Quality.
    #[serde(flatten)]
    pub figures: Figures,
    /// Frames rendered a second.
    pub fps: f64,
    /// The inverse, milliseconds.
    pub ms_per_frame: f64,
    /// Its segments in order.
    pub segments: Vec<SegmentReport>,
    /// Its frames, if they were kept.
    #[serde(skip)]
    pub shown: Option<Spool>,
    /// Numbers of its frames from the best to the worst, by LPIPS where it was computed.
    #[serde(skip)]
    pub ranked: Vec<usize>,
}

/// Figures of a segment of a rung.
#[derive(Debug, Clone, Serialize)]
pub struct SegmentReport {
    /// Place, size and means over its frames.
    #[serde(flatten)]
    pub quality: SegmentQuality,
    /// Rate in kbit/s.
    pub kbps: f64,
}

impl SegmentReport {
    /// Figures of which only the means are known.
    pub(super) fn figures(&self) -> Figures {
        Figures {
            mean: self.quality.metrics,
            ..Figures::default()
        }
    }
}

/// A rung while it is rendered and measured.
pub(super) struct Running<'a> {
    rung: &'a TitleRung,
    renderer: SegmentRenderer,
    tally: Tally,
    shown: Option<Spool>,
    segments: Vec<SegmentReport>,
    payload: u64,
    frames: u64,
    time: Duration,
}

impl<'a> Running<'a> {
    pub(super) fn new(rung: &'a TitleRung, keep: bool) -> Result<Self, EvaluateError> {
        let track = rung.track();
        let (wanted, device) = (track.weights, device::best());
        let generator = installed::generator_for(&track.profile, wanted, Decoding::Own, &device)?;
        Ok(Self {
            rung,
            renderer: SegmentRenderer::new(Arc::new(generator), track.clone())?,
            tally: Tally::default(),
            shown: keep
                .then(|| Spool::new(track.visible, track.frame_rate))
                .transpose()?,
            segments: Vec::new(),
            payload: 0,
            frames: 0,
            time: Duration::ZERO,
        })
    }

    /// Renders and measures segment number `index` against `targets`.
    pub(super) fn measure(
        &mut self,
        index: usize,
        targets: &[Frame],
        scorer: &Scorer,
    ) -> Result<(), EvaluateError> {
        let media = self.rung.media(index)?;
        let (mut frames, began) = (Vec::new(), Instant::now());
        self.renderer.render(&media, &mut |frame| {
            frames.push(frame);
            Ok(())
        })?;
        self.time += began.elapsed();
        let (found, expected) = (frames.len(), targets.len());
        if found > expected {
            let (rung, segment) = (self.rung.id(), index + 1);
            let message = format!("{rung}: segment {segment} has {found} frames, not {expected}");
            return Err(EvaluateError::Finding(message));
        }
        let first = self.frames as usize;
        let pairs = targets.par_iter().zip(&frames);
        let scores = pairs.map(|(target, frame)| scorer.score(target, frame));
        let scores: Vec<Score> = scores.collect::<Result<_, QualityError>>()?;
        for (number, (frame, score)) in frames.iter().zip(scores).enumerate() {
            let (target, begins_segment) = (&targets[number], number == 0);
            let score = Some(score);
            self.tally.push(target, frame, score, begins_segment)?;
            if let Some(spool) = &mut self.shown {
                spool.push(frame)?;
            }
        }
        for _ in found..expected {
            self.tally.push_missing(scorer);
            if let Some(spool) = &mut self.shown {
                spool.push_black()?;
            }
        }
        self.frames += expected as u64;
        self.account(index, first)
    }

    /// Reports bytes and means of segment `index`, whose first frame is number `first`.
    fn account(&mut self, index: usize, first: usize) -> Result<(), EvaluateError> {
        let bytes = self.rung.bytes(index)?;
        let sizes = fragments::sizes(&bytes, self.rung.path())?;
        self.payload += sizes.payload;
        let segment = &self.rung.segments()[index];
        let duration_s = segment.duration.seconds();
        let quality = SegmentQuality {
            start_s: segment.start.seconds(),
            duration_s,
            bytes: bytes.len() as u64,
            measured_frames: None,
            metrics: mean(&self.tally.since(first)),
        };
        let kbps = kbps(quality.bytes, duration_s);
        self.segments.push(SegmentReport { quality, kbps });
        Ok(())
    }

    /// The report, for a title of `duration_s` seconds; with VMAF where `ffmpeg` computes it of
    /// `originals` and the frames were kept.
    pub(super) fn finish(
        self,
        duration_s: f64,
        originals: Option<&Spool>,
        ffmpeg: Option<&Ffmpeg>,
    ) -> Result<RungReport, EvaluateError> {
        let mut figures = self.tally.figures();
        if let (Some(ffmpeg), Some(originals), Some(shown)) = (ffmpeg, originals, &self.shown) {
            figures.vmaf = ffmpeg.vmaf(originals, shown)?;
        }
        let init = &self.rung.layout().init_range;
        let segments = self.segments.iter().map(|segment| segment.quality.bytes);
        let bytes = init.end - init.start + segments.sum::<u64>();
        let frames = self.frames.max(1) as f64;
        let seconds = self.time.as_secs_f64().max(1e-9);
        Ok(RungReport {
            id: self.rung.id().to_owned(),
            rank: self.rung.track().rank(),
            kbps: kbps(bytes, duration_s),
            payload_kbps: kbps(self.payload, duration_s),
            bytes,
            figures,
            fps: frames / seconds,
            ms_per_frame: 1000.0 * seconds / frames,
            segments: self.segments,
            ranked: self.tally.ranked(),
            shown: self.shown,
        })
    }
}

/// Bytes over seconds, in kbit/s.
pub(super) fn kbps(bytes: u64, seconds: f64) -> f64 {
    bytes as f64 * 8.0 / seconds / 1000.0
}
