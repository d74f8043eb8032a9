//! Every rung of a title, rendered segment by segment as a player would, against the original.

use super::contact_sheet::ContactSheet;
use super::figures::Figures;
use super::originals::Originals;
use super::progress::{Observer, Progress};
use super::spool::Spool;
use super::tally::Tally;
use super::{EvaluateError, fragments};
use crate::frame::Frame;
use crate::manifest::Metrics;
use crate::model::device;
use crate::model::installed::{self, Decoding};
use crate::package::{Title, TitleRung};
use crate::quality::{QualityError, Score, Scorer, mean};
use crate::render::SegmentRenderer;
use rayon::prelude::*;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A title that was measured.
#[derive(Debug)]
pub struct MeasuredTitle {
    /// Its rungs, lowest first.
    pub rungs: Vec<MeasuredRung>,
    /// The original's frames, if they were kept.
    pub originals: Option<Spool>,
    /// Frames of the title.
    pub frames: u64,
    /// Length of the title in seconds.
    pub duration_s: f64,
}

/// A rung that was measured.
#[derive(Debug)]
pub struct MeasuredRung {
    /// Its figures.
    pub report: RungReport,
    /// Its frames, if they were kept.
    pub shown: Option<Spool>,
    /// Numbers of its frames from the best to the worst, by LPIPS where it was computed.
    pub ranked: Vec<usize>,
}

/// Figures of a rung.
#[derive(Debug, Clone, Serialize)]
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
}

/// Figures of a segment of a rung.
#[derive(Debug, Clone, Serialize)]
pub struct SegmentReport {
    /// Start in seconds from the start of the title.
    pub start_s: f64,
    /// Length in seconds.
    pub duration_s: f64,
    /// Bytes of the media segment.
    pub bytes: u64,
    /// Rate in kbit/s.
    pub kbps: f64,
    /// Means over its frames.
    #[serde(flatten)]
    pub mean: Metrics,
}

/// Measures every rung of `title` on the device of [`device::best`]. With `keep`, the frames of the
/// rungs are spooled. `sheet` gets its frames, the originals in row 0.
///
/// Fails if the original is longer or shorter than the title, or a rung cannot be rendered.
pub fn measure(
    title: &Title,
    mut originals: Originals,
    scorer: &Scorer,
    keep: bool,
    mut sheet: Option<&mut ContactSheet>,
    observer: Observer<'_>,
) -> Result<MeasuredTitle, EvaluateError> {
    let new = |rung| Running::new(rung, keep);
    let mut rungs: Vec<Running<'_>> = title.rungs().iter().map(new).collect::<Result<_, _>>()?;
    let lengths = segment_frames(title)?;
    let total = lengths.iter().sum();
    let mut done = 0;
    for (segment, &length) in lengths.iter().enumerate() {
        let targets = originals.take(length, total)?;
        if let Some(sheet) = &mut sheet {
            sheet.collect(0, done, &targets);
        }
        for (row, rung) in (1..).zip(&mut rungs) {
            let frames = rung.measure(segment, &targets, scorer)?;
            if let Some(sheet) = &mut sheet {
                sheet.collect(row, done, &frames);
            }
        }
        done += length;
        observer(Progress::Frames { done, total });
    }
    let duration_s = title.presentation().duration.seconds();
    let finished = rungs.into_iter().map(|rung| rung.finish(duration_s));
    Ok(MeasuredTitle {
        rungs: finished.collect(),
        originals: originals.finish()?,
        frames: total,
        duration_s,
    })
}

/// Number of frames of each segment.
pub fn segment_frames(title: &Title) -> Result<Vec<u64>, EvaluateError> {
    let first = title.rungs().first().ok_or(EvaluateError::NoRungs)?;
    let ticks = u64::from(first.track().frame_rate.frame_ticks());
    let segments = first.segments().iter();
    let frames = segments.map(|segment| segment.duration.ticks / ticks);
    Ok(frames.collect())
}

/// A rung while it is rendered and measured.
struct Running<'a> {
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
    fn new(rung: &'a TitleRung, keep: bool) -> Result<Self, EvaluateError> {
        let track = rung.track();
        let (wanted, device) = (track.weights, device::best());
        let generator = installed::generator_for(&track.profile, wanted, Decoding::Own, &device)?;
        Ok(Self {
            rung,
            renderer: SegmentRenderer::new(Arc::new(generator), track.clone())?,
            tally: Tally::default(),
            shown: keep.then(|| Spool::new(track.visible)).transpose()?,
            segments: Vec::new(),
            payload: 0,
            frames: 0,
            time: Duration::ZERO,
        })
    }

    /// Renders and measures segment number `index` against `targets`; returns its frames.
    fn measure(
        &mut self,
        index: usize,
        targets: &[Frame],
        scorer: &Scorer,
    ) -> Result<Vec<Frame>, EvaluateError> {
        let frames = self.render(index)?;
        if frames.len() > targets.len() {
            return Err(EvaluateError::ExtraFrames {
                rung: self.rung.id().to_owned(),
                segment: index + 1,
                found: frames.len(),
                expected: targets.len(),
            });
        }
        let first = self.frames as usize;
        let pairs = targets.par_iter().zip(&frames);
        let scores = pairs.map(|(target, frame)| scorer.score(target, frame));
        let scores: Vec<Score> = scores.collect::<Result<_, QualityError>>()?;
        for (number, ((target, frame), score)) in
            targets.iter().zip(&frames).zip(scores).enumerate()
        {
            self.tally.push(target, frame, Some(score), number == 0)?;
            if let Some(spool) = &mut self.shown {
                spool.push(frame)?;
            }
        }
        for _ in frames.len()..targets.len() {
            self.tally.push_missing(scorer);
            if let Some(spool) = &mut self.shown {
                spool.push_black()?;
            }
        }
        self.frames += targets.len() as u64;
        self.account(index, first)?;
        Ok(frames)
    }

    fn render(&mut self, index: usize) -> Result<Vec<Frame>, EvaluateError> {
        let media = self.rung.media(index)?;
        let mut frames = Vec::new();
        let began = Instant::now();
        self.renderer.render(&media, &mut |frame| {
            frames.push(frame);
            Ok(())
        })?;
        self.time += began.elapsed();
        Ok(frames)
    }

    /// Reports bytes and means of segment `index`, whose first frame is number `first`.
    fn account(&mut self, index: usize, first: usize) -> Result<(), EvaluateError> {
        let bytes = self.rung.bytes(index)?;
        let sizes = fragments::sizes(&bytes).map_err(|source| EvaluateError::Video {
            path: self.rung.path().to_owned(),
            source,
        })?;
        self.payload += sizes.payload;
        let segment = &self.rung.segments()[index];
        let duration_s = segment.duration.seconds();
        self.segments.push(SegmentReport {
            start_s: segment.start.seconds(),
            duration_s,
            bytes: bytes.len() as u64,
            kbps: kbps(bytes.len() as u64, duration_s),
            mean: mean(&self.tally.since(first)),
        });
        Ok(())
    }

    fn finish(self, duration_s: f64) -> MeasuredRung {
        let init = &self.rung.layout().init_range;
        let segments = self.segments.iter().map(|segment| segment.bytes);
        let bytes = init.end - init.start + segments.sum::<u64>();
        let frames = self.frames.max(1) as f64;
        let seconds = self.time.as_secs_f64().max(1e-9);
        MeasuredRung {
            ranked: self.tally.ranked(),
            report: RungReport {
                id: self.rung.id().to_owned(),
                rank: self.rung.track().rank(),
                kbps: kbps(bytes, duration_s),
                payload_kbps: kbps(self.payload, duration_s),
                bytes,
                figures: self.tally.figures(),
                fps: frames / seconds,
                ms_per_frame: 1000.0 * seconds / frames,
                segments: self.segments,
            },
            shown: self.shown,
        }
    }
}

/// Bytes over seconds, in kbit/s.
pub(super) fn kbps(bytes: u64, seconds: f64) -> f64 {
    bytes as f64 * 8.0 / seconds / 1000.0
}
