//! Every rung of a title, rendered segment by segment as a player would, beside the original.

use super::figures::{Figures, Tally};
use super::originals::Originals;
use super::spool::Spool;
use super::wrapping;
use crate::cli::CliError;
use crate::cli::scores::{Scorer, mean};
use crate::cli::strip::Strip;
use crate::frame::Frame;
use crate::manifest::Metrics;
use crate::model::device;
use crate::model::installed::{self, Decoding};
use crate::package::{Title, TitleRung};
use crate::render::SegmentRenderer;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A title that was measured.
pub(super) struct Measured {
    pub(super) rungs: Vec<Rung>,
    /// The original's frames, if they were kept.
    pub(super) originals: Option<Spool>,
    pub(super) frames: u64,
    pub(super) duration_s: f64,
}

/// A rung that was measured.
pub(super) struct Rung {
    pub(super) report: RungReport,
    /// Its frames, if they were kept.
    pub(super) shown: Option<Spool>,
    /// Numbers of its frames from the best to the worst.
    pub(super) ranked: Vec<usize>,
}

/// What is said of a rung.
#[derive(Serialize)]
pub(super) struct RungReport {
    pub(super) id: String,
    pub(super) rank: usize,
    /// True rate: init and media segments over the duration.
    pub(super) kbps: f64,
    /// What of it is prompts, without boxes.
    pub(super) payload_kbps: f64,
    pub(super) bytes: u64,
    #[serde(flatten)]
    pub(super) figures: Figures,
    pub(super) fps: f64,
    pub(super) ms_per_frame: f64,
    pub(super) segments: Vec<SegmentReport>,
}

/// What is said of a segment of a rung.
#[derive(Serialize)]
pub(super) struct SegmentReport {
    pub(super) start_s: f64,
    pub(super) duration_s: f64,
    pub(super) bytes: u64,
    pub(super) kbps: f64,
    #[serde(flatten)]
    pub(super) mean: Metrics,
}

/// Measures `title`; `strip` gets the frames it shows, row 0 the originals.
pub(super) fn measure(
    title: &Title,
    mut originals: Originals,
    scorer: &Scorer,
    keep: bool,
    mut strip: Option<&mut Strip>,
) -> Result<Measured, CliError> {
    let new = |rung| Running::new(rung, keep);
    let mut rungs: Vec<Running<'_>> = title.rungs().iter().map(new).collect::<Result<_, _>>()?;
    let lengths = lengths(title)?;
    let frames = lengths.iter().sum();
    let mut shown = 0;
    for (segment, &length) in lengths.iter().enumerate() {
        let aims = originals.take(length, frames)?;
        if let Some(strip) = &mut strip {
            strip.collect(0, shown, &aims);
        }
        for (row, rung) in (1..).zip(&mut rungs) {
            let made = rung.measure(segment, &aims, scorer)?;
            if let Some(strip) = &mut strip {
                strip.collect(row, shown, &made);
            }
        }
        shown += length;
        eprintln!("{shown}/{frames} frames");
    }
    let duration_s = title.presentation().duration.seconds();
    let finished = rungs.into_iter().map(|rung| rung.finish(duration_s));
    Ok(Measured {
        rungs: finished.collect(),
        originals: originals.finish()?,
        frames,
        duration_s,
    })
}

/// How many frames each segment has.
pub(super) fn lengths(title: &Title) -> Result<Vec<u64>, CliError> {
    let first = title.rungs().first();
    let first = first.ok_or_else(|| CliError::input("the title has no rungs"))?;
    let ticks = u64::from(first.track().frame_rate.frame_ticks());
    let segments = first.segments().iter();
    Ok(segments
        .map(|segment| segment.duration.ticks / ticks)
        .collect())
}

/// A rung as it is rendered and measured.
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
    fn new(rung: &'a TitleRung, keep: bool) -> Result<Self, CliError> {
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

    /// Renders and measures segment number `index`; gives its frames.
    fn measure(
        &mut self,
        index: usize,
        aims: &[Frame],
        scorer: &Scorer,
    ) -> Result<Vec<Frame>, CliError> {
        let made = self.render(index)?;
        if made.len() > aims.len() {
            let (id, got, want) = (self.rung.id(), made.len(), aims.len());
            let message = format!("{id}: segment {} has {got} frames, not {want}", index + 1);
            return Err(CliError::check(message));
        }
        let first = self.frames as usize;
        let scores = scorer.scores(&aims[..made.len()], &made)?;
        for (number, ((aim, frame), score)) in aims.iter().zip(&made).zip(scores).enumerate() {
            self.tally.push(aim, frame, Some(score), number == 0)?;
            if let Some(spool) = &mut self.shown {
                spool.push(frame)?;
            }
        }
        for _ in made.len()..aims.len() {
            self.tally.push_missing(scorer);
            if let Some(spool) = &mut self.shown {
                spool.push_black()?;
            }
        }
        self.frames += aims.len() as u64;
        self.account(index, first)?;
        Ok(made)
    }

    fn render(&mut self, index: usize) -> Result<Vec<Frame>, CliError> {
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

    /// Says what segment `index`, whose first frame is number `first`, cost and reached.
    fn account(&mut self, index: usize, first: usize) -> Result<(), CliError> {
        let bytes = self.rung.bytes(index)?;
        self.payload += wrapping::sizes(&bytes).payload;
        let Some(segment) = self.rung.segments().get(index) else {
            return Ok(());
        };
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

    fn finish(self, duration_s: f64) -> Rung {
        let layout = self.rung.layout();
        let init = layout.init_range.end - layout.init_range.start;
        let bytes = init + self.segments.iter().map(|s| s.bytes).sum::<u64>();
        let frames = self.frames.max(1) as f64;
        let seconds = self.time.as_secs_f64().max(1e-9);
        Rung {
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
