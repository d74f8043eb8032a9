//! The expected cost of a job: time from a measurement of this machine, bytes from those of typical
//! titles. Both are rough.

use super::TranscodeError;
use super::job::Job;
use super::settings::Sampling;
use crate::encode::{FitOptions, Fitter, Interval};
use crate::frame::Frame;
use std::time::Instant;

/// Longest side of the picture that the machine is measured with, in pixels.
const PROBE_SIDE: u32 = 256;
/// Typical distance of keyframes in frames where motion decides.
const USUAL_INTERVAL: f64 = 9.0;
/// Time to render a frame, in that of a visit of the fit.
const RENDERED: f64 = 0.3;
/// Bits of an entry of U in the title, over all rungs and with their container.
const BITS: f64 = 3.0;
/// Bytes of a segment's poster in the work store, per pixel.
const POSTER: f64 = 0.3;
/// Share of the fit in a frame's work where the machine is not measured.
const USUAL_FIT_SHARE: f64 = 0.9;
/// Length that is assumed of an input of unknown length, in seconds.
const UNKNOWN_LENGTH_S: f64 = 60.0;

/// The expected cost of a job.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// Seconds a frame, where the machine was measured.
    pub frame_s: Option<f64>,
    /// Share of the fit in the work on a segment, 0 to 1; the rest is its measurement.
    pub fit_share: f64,
    /// Bytes of the title; for an input of unknown length, of a minute.
    pub title_bytes: u64,
    /// Bytes kept until the title is published, for the same length.
    pub work_bytes: u64,
}

/// Speed of this machine, in seconds for each pixel of one worker.
#[derive(Debug, Clone, Copy)]
struct Speed {
    /// A frame that the fit visits.
    visit: f64,
    /// A frame that is measured.
    score: f64,
}

impl Job<'_> {
    /// Estimates the cost for an input of `frames` frames, where known. Runs the fit of one small
    /// frame if the profile has an encoder network; without one that would take minutes.
    ///
    /// Fails if the generator does.
    pub fn estimate(&self, frames: Option<u64>) -> Result<Estimate, TranscodeError> {
        let seconds = match self.tools.encoder {
            Some(_) => Some(self.seconds(self.measured()?)),
            None => None,
        };
        let unknown = (UNKNOWN_LENGTH_S * self.track.frame_rate.fps()) as u64;
        let (title_bytes, work_bytes) = self.bytes(frames.unwrap_or(unknown) as f64);
        let share = |(fit, measure): (f64, f64)| fit / (fit + measure).max(f64::MIN_POSITIVE);
        Ok(Estimate {
            frame_s: seconds.map(|(fit, measure)| fit + measure),
            fit_share: seconds.map_or(USUAL_FIT_SHARE, share),
            title_bytes,
            work_bytes,
        })
    }

    /// Measures the machine with a frame of at most 256×256 pixels. Fails if the generator does.
    fn measured(&self) -> Result<Speed, TranscodeError> {
        let tools = self.tools;
        let options = FitOptions {
            passes: 1,
            workers: 1,
            ..self.settings.fit.clone()
        };
        let fitter = Fitter::new(tools.generator, tools.encoder, tools.perceptual, options)?;
        let (width, height) = self.track.visible;
        let (width, height) = (width.min(PROBE_SIDE), height.min(PROBE_SIDE));
        let value = |i: u32| (i.wrapping_mul(2_654_435_761) >> 25) as u8 + 64;
        let frame = Frame::new(width, height, (0..3 * width * height).map(value).collect())?;
        let pixels = f64::from(width * height);
        let frames = std::slice::from_ref(&frame);
        let visit = || Ok(fitter.fit(frames, &[0], 0, &mut |_| ()).map(drop)?);
        let score = || Ok((tools.score)(&frame, &frame).map(drop)?);
        Ok(Speed {
            visit: shorter_of_two(visit)? / pixels,
            score: shorter_of_two(score)? / pixels,
        })
    }

    fn pixels(&self) -> f64 {
        f64::from(self.track.coded.0) * f64::from(self.track.coded.1)
    }

    fn keyframes(&self) -> f64 {
        match self.settings.interval {
            Interval::Frames(frames) => 1.0 / f64::from(frames.max(1)),
            Interval::Auto => 1.0 / USUAL_INTERVAL,
        }
    }

    /// Seconds for the fit of a frame, and for its measurement.
    fn seconds(&self, speed: Speed) -> (f64, f64) {
        let fit = &self.settings.fit;
        let measured = match self.settings.sampling {
            Sampling::Nothing => 0.0,
            Sampling::Everything => 1.0,
            Sampling::OneIn(stride) => 1.0 / f64::from(stride),
        };
        let in_parallel = self.pixels() / fit.workers.max(1) as f64;
        let passes = f64::from(fit.passes).max(1.0);
        let rungs = fit.ranks.len() as f64;
        (
            self.keyframes() * passes * speed.visit * in_parallel,
            rungs * (RENDERED * speed.visit + measured * speed.score) * in_parallel,
        )
    }

    /// Bytes of the title of `frames` frames, and of its segments in the work store.
    fn bytes(&self, frames: f64) -> (u64, u64) {
        let ranks = &self.settings.fit.ranks;
        let tokens = self.track.coding.shape.tokens;
        let entries = |ranks: usize| (ranks * tokens) as f64 * self.keyframes() * frames;
        let title = entries(ranks.iter().sum()) * BITS / 8.0;
        let top = entries(ranks.last().copied().unwrap_or(0)) * BITS / 8.0;
        let segments = (frames / f64::from(self.settings.grid.longest.max(1))).ceil();
        let work = top + segments * POSTER * self.pixels();
        (title as u64, work as u64)
    }
}

/// Seconds that `work` takes; the first of the two runs also warms up.
fn shorter_of_two(work: impl Fn() -> Result<(), TranscodeError>) -> Result<f64, TranscodeError> {
    let mut shortest = f64::INFINITY;
    for _ in 0..2 {
        let begun = Instant::now();
        work()?;
        shortest = shortest.min(begun.elapsed().as_secs_f64());
    }
    Ok(shortest)
}
