//! What an encode will take, said before it begins: time from a measurement of this machine, bytes
//! from what usual titles have. Both are rough; the bar corrects the time as it goes.

use super::measure::Sampling;
use super::watch::span;
use crate::cli::CliError;
use crate::encode::{FitOptions, Fitter, Interval, Perceptual};
use crate::frame::Frame;
use crate::model::{Encoder, Generator};
use crate::quality::Scorer;
use crate::time::FrameRate;
use std::time::Instant;

/// Longest side of the picture that the machine is measured with.
const PROBE_SIDE: u32 = 256;
/// Keyframes stand about so many frames apart where motion decides.
const USUAL_INTERVAL: f64 = 9.0;
/// What a rendered frame takes, over what a visit of the fit does.
const RENDERED: f64 = 0.3;
/// Bits of an entry of U in the title, over all rungs and with what goes around them.
const BITS: f64 = 3.0;
/// Bytes of a segment's picture in the work folder, for each pixel.
const POSTER: f64 = 0.3;

/// What this machine takes, in seconds for each pixel of one worker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speed {
    /// A frame that the fit visits.
    visit: f64,
    /// A frame that is measured.
    score: f64,
}

impl Speed {
    /// Measures a frame of at most 256×256. Fails if the generator does.
    pub(super) fn measured(
        (generator, encoder): (&Generator, Option<&Encoder>),
        (perceptual, scorer): (Perceptual<'_>, &Scorer),
        options: &FitOptions,
        visible: (u32, u32),
    ) -> Result<Self, CliError> {
        let options = FitOptions {
            passes: 1,
            workers: 1,
            ..options.clone()
        };
        let fitter = Fitter::new(generator, encoder, perceptual, options)?;
        let (width, height) = (visible.0.min(PROBE_SIDE), visible.1.min(PROBE_SIDE));
        let value = |i: u32| (i.wrapping_mul(2_654_435_761) >> 25) as u8 + 64;
        let frame = Frame::new(width, height, (0..3 * width * height).map(value).collect())?;
        let pixels = f64::from(width * height);
        let visit = || {
            Ok(fitter
                .fit(std::slice::from_ref(&frame), &[0], 0, &mut |_| ())
                .map(drop)?)
        };
        let score = || Ok(scorer.score(&frame, &frame).map(drop)?);
        Ok(Self {
            visit: shorter_of_two(visit)? / pixels,
            score: shorter_of_two(score)? / pixels,
        })
    }
}

/// Seconds that `work` takes: the first time it also warms up.
fn shorter_of_two(work: impl Fn() -> Result<(), CliError>) -> Result<f64, CliError> {
    let mut shortest = f64::INFINITY;
    for _ in 0..2 {
        let begun = Instant::now();
        work()?;
        shortest = shortest.min(begun.elapsed().as_secs_f64());
    }
    Ok(shortest)
}

/// What is to be made.
#[derive(Debug, Clone)]
pub(super) struct Work<'a> {
    pub(super) options: &'a FitOptions,
    pub(super) interval: Interval,
    pub(super) sampling: Sampling,
    /// Width and height of what is generated.
    pub(super) coded: (u32, u32),
    /// Rows of a prompt.
    pub(super) tokens: usize,
    pub(super) frame_rate: FrameRate,
    /// Frames of a segment.
    pub(super) segment: u32,
}

impl Work<'_> {
    fn pixels(&self) -> f64 {
        f64::from(self.coded.0) * f64::from(self.coded.1)
    }

    /// Keyframes a frame.
    fn keyframes(&self) -> f64 {
        match self.interval {
            Interval::Frames(frames) => 1.0 / f64::from(frames.max(1)),
            Interval::Auto => 1.0 / USUAL_INTERVAL,
        }
    }

    /// Seconds that the fit of a frame takes, and its measurement.
    fn seconds(&self, speed: Speed) -> (f64, f64) {
        let share = match self.sampling {
            Sampling::Nothing => 0.0,
            Sampling::Everything => 1.0,
            Sampling::OneIn(stride) => 1.0 / f64::from(stride),
        };
        let side_by_side = self.pixels() / self.options.workers.max(1) as f64;
        let passes = f64::from(self.options.passes).max(1.0);
        let rungs = self.options.ranks.len() as f64;
        (
            self.keyframes() * passes * speed.visit * side_by_side,
            rungs * (RENDERED * speed.visit + share * speed.score) * side_by_side,
        )
    }

    /// Seconds that a frame takes.
    pub(super) fn frame_s(&self, speed: Speed) -> f64 {
        let (fit, measure) = self.seconds(speed);
        fit + measure
    }

    /// How much of a frame's work is the fit, 0 to 1.
    pub(super) fn fit_share(&self, speed: Speed) -> f64 {
        let (fit, measure) = self.seconds(speed);
        fit / (fit + measure).max(f64::MIN_POSITIVE)
    }

    /// Bytes of the title of `frames` frames, and of what is kept until it is there.
    pub(super) fn bytes(&self, frames: u64) -> (u64, u64) {
        let frames = frames as f64;
        let entries = |ranks: usize| (ranks * self.tokens) as f64 * self.keyframes() * frames;
        let title = entries(self.options.ranks.iter().sum()) * BITS / 8.0;
        let top = entries(self.options.ranks.last().copied().unwrap_or(0)) * BITS / 8.0;
        let segments = (frames / f64::from(self.segment.max(1))).ceil();
        let kept = top + segments * POSTER * self.pixels();
        (title as u64, kept as u64)
    }
}

/// The estimate in words: time (where the machine was measured) and bytes.
pub(super) fn text(seconds: Option<f64>, bytes: u64) -> String {
    let time = seconds.map(|seconds| format!("about {}, ", span(seconds)));
    format!("{}about {}", time.unwrap_or_default(), size(bytes))
}

/// A number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    match bytes as f64 {
        bytes @ 1e9.. => format!("{:.1} GB", bytes / 1e9),
        bytes @ 1e6.. => format!("{:.1} MB", bytes / 1e6),
        bytes => format!("{:.0} kB", (bytes / 1e3).ceil()),
    }
}
