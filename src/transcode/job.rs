//! One job: every segment of the input fitted, measured and kept.

use super::TranscodeError;
use super::measure::Measurer;
use super::settings::{Settings, Tools};
use super::shard::Shard;
use crate::encode::{self, FitOptions, Fitter, Perceptual, Span, Spans};
use crate::frame::Frame;
use crate::model::Encoder;
use crate::package::PackageError;
use crate::package::work::{FinishedSegment, Plan, PlannedSegment, WorkStore, segment_name};
use crate::segment::Track;
use crate::segment::coded::{CodedFrame, CodedSegment};
use crate::source::Geometry;
use crate::time::FrameRate;

/// What happens during a job.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A segment of so many frames is being fitted.
    Fitting(u64, encode::Progress),
    /// A fitted segment of so many frames is being measured; the share that is done, 0 to 1.
    Measuring(u64, f64),
    /// A kept segment is damaged and will be fitted again.
    Damaged(&'a PackageError),
    /// A segment is finished.
    Finished {
        /// Frames of the segment.
        frames: u64,
        /// Whether it belongs to the job's shard, and so is in the store.
        kept: bool,
        /// Whether it was in the store before, or is another shard's.
        found: bool,
    },
}

/// The result of a job.
#[derive(Debug, Clone)]
pub struct Done {
    /// All segments of the input.
    pub plan: Plan,
    /// Work that was done.
    pub effort: Effort,
}

/// Segments of a job, and the cost of those fitted in this run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Effort {
    /// Segments of the shard.
    pub own: u32,
    /// Segments of the shard that were in the store before.
    pub kept: u32,
    /// Passes over the keyframes, summed over segments.
    pub passes: u64,
    /// Frames generated.
    pub visits: u64,
}

/// Fits, measures and keeps the segments of one input.
#[derive(Debug)]
pub struct Job<'a> {
    pub(super) tools: Tools<'a>,
    pub(crate) settings: Settings,
    /// Configuration of the highest rung.
    pub(crate) track: Track,
    geometry: Geometry,
    fitter: Fitter<'a>,
    measurer: Measurer<'a>,
}

impl<'a> Job<'a> {
    /// A job for an input whose frames `geometry` brings to the title's size, at `frame_rate`.
    ///
    /// Fails on options out of range.
    pub fn new(
        tools: Tools<'a>,
        settings: Settings,
        geometry: Geometry,
        frame_rate: FrameRate,
    ) -> Result<Self, TranscodeError> {
        let (generator, fit) = (tools.generator, settings.fit.clone());
        let fitter = Fitter::new(generator, tools.encoder, tools.perceptual, fit)?;
        let profile = generator.profile();
        let track = Track {
            profile: profile.name.to_owned(),
            weights: generator.weights_hash(),
            coding: fitter.coding(geometry.coded()),
            first_component: 0,
            interpolation: settings.fit.interpolation,
            start_latent: settings.fit.start_latent,
            noise_seed: profile.start.seed,
            noise_weight: profile.start.weight as f32,
            frame_rate,
            visible: geometry.visible(),
            coded: geometry.coded(),
            pixel_aspect: geometry.pixel_aspect(),
        };
        Ok(Self {
            measurer: Measurer::new(tools, &settings)?,
            tools,
            settings,
            track,
            geometry,
            fitter,
        })
    }

    /// Reads `frames` to their end and keeps every segment of the shard in `store`; those that are
    /// there already are not fitted again. `tell` is called for every event.
    ///
    /// Fails with the input, the fit or the store, and on an input without frames. Finished
    /// segments stay in the store.
    pub fn run<E>(
        &self,
        frames: impl Iterator<Item = Result<Frame, E>>,
        store: &WorkStore,
        shard: Shard,
        tell: &mut dyn FnMut(Event<'_>),
    ) -> Result<Done, TranscodeError>
    where
        TranscodeError: From<E>,
    {
        let visible = |frame: Result<Frame, E>| -> Result<Frame, TranscodeError> {
            Ok(self.geometry.visible_frame(&frame?)?)
        };
        let setting = self.setting();
        let mut effort = Effort::default();
        let mut planned = Vec::new();
        for (number, span) in (0u32..).zip(Spans::new(frames.map(visible), self.settings.grid)) {
            let span = span?;
            let pixels = span.frames.iter().map(|frame| frame.data());
            let name = segment_name(number, &setting, &span.cuts, pixels);
            let frames = span.frames.len() as u32;
            let kept = shard.has(number);
            let found = kept && is_kept(store, &name, tell);
            if kept {
                effort.own += 1;
                effort.kept += u32::from(found);
            }
            if kept && !found {
                let segment = self.finished(&span, number, &mut effort, tell)?;
                store.put_segment(&name, &segment)?;
            }
            tell(Event::Finished {
                frames: frames.into(),
                kept,
                found: found || !kept,
            });
            planned.push(PlannedSegment { name, frames });
        }
        if planned.is_empty() {
            return Err(TranscodeError::NoFrames);
        }
        let mut plan = Plan::new(setting, self.settings.fit.ranks.clone(), planned);
        plan.source.clone_from(&self.settings.source);
        Ok(Done { plan, effort })
    }

    /// Everything but the frames that decides the bytes of a segment.
    fn setting(&self) -> String {
        let Settings {
            fit,
            grid,
            interval,
            sampling,
            source: _,
        } = &self.settings;
        let fit = FitOptions {
            workers: 0,
            ..fit.clone()
        };
        format!(
            "{} {fit:?} {grid:?} {interval:?} {:?} {sampling:?} {:?} {:?}",
            env!("CARGO_PKG_VERSION"),
            self.track,
            matches!(self.tools.perceptual, Perceptual::Lpips(_)),
            Encoder::shipped_hash(),
        )
    }

    fn finished(
        &self,
        span: &Span,
        number: u32,
        effort: &mut Effort,
        tell: &mut dyn FnMut(Event<'_>),
    ) -> Result<FinishedSegment, TranscodeError> {
        let frames = span.frames.len() as u64;
        let interval = self.settings.interval.of(&span.frames, &span.cuts);
        let positions = span.positions(interval);
        let mut fitting = |progress| tell(Event::Fitting(frames, progress));
        let fitter = &self.fitter;
        let fitted = fitter.fit(&span.frames, &positions, number, &mut fitting)?;
        effort.passes += fitted.losses.len() as u64;
        effort.visits += fitted.visits;
        let keyframes = positions.into_iter().zip(fitted.keyframes);
        let keyframes = keyframes.map(|(position, coded)| CodedFrame {
            position,
            layers: coded.layers.into_iter().map(Into::into).collect(),
        });
        let segment = CodedSegment {
            frames: frames as u32,
            chained: false,
            start_latent: fitted.start.map(Into::into),
            keyframes: keyframes.collect(),
        };
        let mut measuring = |share| tell(Event::Measuring(frames, share));
        let track = self.track.clone();
        self.measurer.finish(span, track, segment, &mut measuring)
    }
}

/// Whether a segment is there and whole; one that is damaged is done again.
fn is_kept(store: &WorkStore, name: &str, tell: &mut dyn FnMut(Event<'_>)) -> bool {
    match store.segment(name) {
        Ok(kept) => kept.is_some(),
        Err(error) => {
            tell(Event::Damaged(&error));
            false
        }
    }
}
