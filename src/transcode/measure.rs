//! A fitted segment as a player will show it: the quality of every rung, and the poster.
//!
//! Frames are compared as they are rendered, a few at a time, so that a segment's rendered pictures
//! are never in memory together.

use super::TranscodeError;
use super::settings::{Sampling, Settings, Tools};
use crate::encode::Span;
use crate::frame::Frame;
use crate::manifest::Metrics;
use crate::package::Rung;
use crate::package::work::FinishedSegment;
use crate::quality::QualityError;
use crate::render::{RenderError, SegmentRenderer};
use crate::segment::Track;
use crate::segment::coded::CodedSegment;
use crate::segment::media::read_media;
use crate::source::scaled;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::Arc;

/// Quality of the poster's JPEG, of 100.
const JPEG_QUALITY: u8 = 85;

#[derive(Debug)]
pub(super) struct Measurer<'a> {
    tools: Tools<'a>,
    ranks: Vec<usize>,
    sampling: Sampling,
    pool: ThreadPool,
}

impl<'a> Measurer<'a> {
    /// A measurer with as many threads as the fit has workers.
    pub(super) fn new(tools: Tools<'a>, settings: &Settings) -> Result<Self, TranscodeError> {
        let pool = ThreadPoolBuilder::new().num_threads(settings.fit.workers);
        Ok(Self {
            tools,
            ranks: settings.fit.ranks.clone(),
            sampling: settings.sampling,
            pool: pool.build()?,
        })
    }

    /// Finishes `segment`, which was fitted to `span`; `tell` is given the share that is done.
    pub(super) fn finish(
        &self,
        span: &Span,
        track: Track,
        segment: CodedSegment,
        tell: &mut dyn FnMut(f64),
    ) -> Result<FinishedSegment, TranscodeError> {
        let frames = span.frames.len();
        let mut sampling = self.sampling;
        let measured = (0..frames).filter(|&number| sampling.has(number)).count();
        let nothing = sampling == Sampling::Nothing;
        if measured == 0 && !nothing {
            // The segment is shorter than the stride.
            sampling = Sampling::Everything;
        }
        let top = Rung {
            track,
            segments: vec![segment.clone()],
        };
        let mut metrics = vec![Metrics::default(); self.ranks.len()];
        let mut shown = None;
        // Rungs below the highest are rendered only to be measured.
        let rungs = self.ranks.iter().enumerate();
        let rungs = rungs.filter(|(_, rank)| !nothing || **rank == top.track.rank());
        for (done, (rung, &rank)) in rungs.enumerate() {
            let cut = top.cut(rank);
            let (scores, frame) = self.pool.install(|| self.render(span, &cut, sampling))?;
            metrics[rung] = mean(&scores);
            shown = frame;
            tell((done + 1) as f64 / self.ranks.len() as f64);
        }
        let poster = poster(shown.as_ref(), top.track.display_size())?;
        Ok(FinishedSegment {
            track: top.track,
            segment,
            metrics: if nothing { Vec::new() } else { metrics },
            measured_frames: (0 < measured && measured < frames).then_some(measured as u32),
            poster,
        })
    }

    /// Renders those frames of a rung of one segment that are measured or shown, as a player would: their
    /// scores, and the frame for the poster.
    fn render(
        &self,
        span: &Span,
        rung: &Rung,
        sampling: Sampling,
    ) -> Result<(Vec<Metrics>, Option<Frame>), TranscodeError> {
        let generator = Arc::clone(self.tools.generator);
        let mut renderer = SegmentRenderer::new(generator, rung.track.clone())?;
        let (frames, middle) = (span.frames.len(), span.frames.len() / 2);
        let poster = |number| number == middle && Some(&rung.track.rank()) == self.ranks.last();
        let wanted = |number: usize| sampling.has(number) || poster(number);
        let mut numbers = (0..frames).filter(|number| wanted(*number));
        let (mut scores, mut shown) = (Vec::new(), None);
        let mut waiting: Vec<(usize, Frame)> = Vec::new();
        for segment in &rung.segments {
            let media = read_media(&segment.write(&rung.track, 1, 0)?)?;
            renderer.render_some(&media, &|number| wanted(number as usize), &mut |frame| {
                let number = numbers.next().unwrap_or(frames);
                if poster(number) {
                    shown = Some(frame.clone());
                }
                if sampling.has(number) {
                    waiting.push((number, frame));
                }
                if waiting.len() >= rayon::current_num_threads() {
                    self.score(span, &mut waiting, &mut scores)?;
                }
                Ok(())
            })?;
        }
        self.score(span, &mut waiting, &mut scores)?;
        match numbers.next() {
            None => Ok((scores, shown)),
            Some(number) => Err(TranscodeError::MissingFrame(number, frames)),
        }
    }

    /// Compares the frames that are `waiting` with their originals, in parallel.
    fn score(
        &self,
        span: &Span,
        waiting: &mut Vec<(usize, Frame)>,
        scores: &mut Vec<Metrics>,
    ) -> Result<(), RenderError> {
        let pairs = waiting.par_iter().filter_map(|(number, frame)| {
            let original = span.frames.get(*number)?;
            Some((self.tools.score)(original, frame))
        });
        let found: Result<Vec<Metrics>, QualityError> = pairs.collect();
        scores.extend(found.map_err(RenderError::sink)?);
        waiting.clear();
        Ok(())
    }
}

/// The mean of each metric over frames, rounded to a millionth so that it survives being written as
/// text; absent where a frame lacks it, or without frames.
fn mean(scores: &[Metrics]) -> Metrics {
    let weighted: Vec<_> = scores.iter().map(|score| (1.0, score)).collect();
    Metrics::weighted_mean(&weighted).map(|mean| (mean * 1e6).round() / 1e6)
}

/// A JPEG of `frame`, scaled to the size in which it is displayed; empty if there is no frame.
fn poster(frame: Option<&Frame>, displayed: (u32, u32)) -> Result<Vec<u8>, TranscodeError> {
    let mut jpeg = Vec::new();
    if let Some(frame) = frame {
        let frame = scaled(frame, displayed)?;
        let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY);
        let (data, colour) = (frame.data(), ExtendedColorType::Rgb8);
        encoder.encode(data, frame.width(), frame.height(), colour)?;
    }
    Ok(jpeg)
}
