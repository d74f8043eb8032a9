//! A fitted segment as a player will show it: the quality of every rung, and the poster.
//!
//! Frames are compared as they are rendered, a few at a time, so a segment's rendered pictures are
//! never in memory together.

use super::poster;
use crate::cli::CliError;
use crate::encode::Span;
use crate::frame::Frame;
use crate::manifest::Metrics;
use crate::model::Generator;
use crate::package::Rung;
use crate::package::work::Kept;
use crate::quality::QualityError;
use crate::quality::{Score, Scorer, mean};
use crate::render::{RenderError, SegmentRenderer};
use crate::segment::Track;
use crate::segment::coded::CodedSegment;
use crate::segment::media::read_media;
use rayon::ThreadPool;
use rayon::prelude::*;
use std::sync::Arc;

/// Which frames of a segment are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampling {
    /// None: there is no quality report.
    Nothing,
    /// Every one.
    Everything,
    /// One in so many, the first from the middle of a stride on.
    OneIn(u32),
}

impl Sampling {
    fn has(self, number: usize) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::OneIn(stride) => number % stride as usize == stride as usize / 2,
        }
    }
}

/// Renders and measures segments.
pub(super) struct Measurer<'a> {
    pub(super) generator: &'a Arc<Generator>,
    pub(super) scorer: &'a Scorer,
    /// Components of the rungs, rising.
    pub(super) ranks: &'a [usize],
    pub(super) sampling: Sampling,
    /// As many threads as memory allows frames to be worked on.
    pub(super) pool: ThreadPool,
}

impl Measurer<'_> {
    /// The finished `segment`, which was fitted to `span`; `tell` hears the share that is done.
    pub(super) fn finish(
        &self,
        span: &Span,
        (track, segment): (&Track, CodedSegment),
        tell: &mut dyn FnMut(f64),
    ) -> Result<Kept, CliError> {
        let frames = span.frames.len();
        let sampling = match (0..frames).any(|number| self.sampling.has(number)) {
            true => self.sampling,
            // A segment shorter than the stride.
            false if self.sampling == Sampling::Nothing => Sampling::Nothing,
            false => Sampling::Everything,
        };
        let top = Rung {
            track: track.clone(),
            segments: vec![segment.clone()],
        };
        let mut metrics = vec![Metrics::default(); self.ranks.len()];
        let mut shown = None;
        // Rungs below the highest are rendered only to be measured.
        let rungs = self.ranks.iter().enumerate();
        let rungs =
            rungs.filter(|(_, rank)| sampling != Sampling::Nothing || **rank == track.rank());
        for (done, (rung, &rank)) in rungs.enumerate() {
            let looked = self
                .pool
                .install(|| self.look(span, &top.cut(rank), sampling))?;
            metrics[rung] = mean(&looked.scores);
            shown = looked.poster;
            tell((done + 1) as f64 / self.ranks.len() as f64);
        }
        let measured = (0..frames).filter(|&number| sampling.has(number)).count();
        Ok(Kept {
            track: top.track,
            segment,
            metrics: match sampling {
                Sampling::Nothing => Vec::new(),
                _ => metrics,
            },
            measured_frames: (0 < measured && measured < frames).then_some(measured as u32),
            poster: poster::of(shown.as_ref(), track.display_size())?,
        })
    }

    /// Renders those frames of a rung of one segment that are measured or shown, as a player would.
    fn look(&self, span: &Span, rung: &Rung, sampling: Sampling) -> Result<Looked, CliError> {
        let generator = Arc::clone(self.generator);
        let mut renderer = SegmentRenderer::new(generator, rung.track.clone())?;
        let (frames, middle) = (span.frames.len(), span.frames.len() / 2);
        let poster = |number| number == middle && Some(&rung.track.rank()) == self.ranks.last();
        let wanted = |number: usize| sampling.has(number) || poster(number);
        let mut numbers = (0..frames).filter(|number| wanted(*number));
        let mut looked = Looked::default();
        let mut waiting: Vec<(usize, Frame)> = Vec::new();
        for segment in &rung.segments {
            let media = read_media(&segment.write(&rung.track, 1, 0)?)?;
            renderer.render_some(&media, &|number| wanted(number as usize), &mut |frame| {
                let number = numbers.next().unwrap_or(frames);
                if poster(number) {
                    looked.poster = Some(frame.clone());
                }
                if sampling.has(number) {
                    waiting.push((number, frame));
                }
                if waiting.len() >= rayon::current_num_threads() {
                    self.score(span, &mut waiting, &mut looked.scores)?;
                }
                Ok(())
            })?;
        }
        self.score(span, &mut waiting, &mut looked.scores)?;
        match numbers.next() {
            None => Ok(looked),
            Some(number) => Err(CliError::check(format!(
                "a segment rendered to fewer frames than its original has: {number} is missing of {frames}"
            ))),
        }
    }

    /// Compares the frames that are `waiting` with their originals, side by side.
    fn score(
        &self,
        span: &Span,
        waiting: &mut Vec<(usize, Frame)>,
        scores: &mut Vec<Score>,
    ) -> Result<(), RenderError> {
        let pairs = waiting.par_iter().filter_map(|(number, frame)| {
            let original = span.frames.get(*number)?;
            Some(self.scorer.score(original, frame))
        });
        let found: Result<Vec<Score>, QualityError> = pairs.collect();
        scores.extend(found.map_err(RenderError::sink)?);
        waiting.clear();
        Ok(())
    }
}

/// What was seen of a rung.
#[derive(Default)]
struct Looked {
    scores: Vec<Score>,
    poster: Option<Frame>,
}
