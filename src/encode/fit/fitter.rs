//! The fit of one segment.
//!
//! Initial factors come from the encoder network (see `initial`). A profile without one starts from
//! random factors, as the reference does; the first frame is then fitted alone and its prompt copied to
//! all keyframes. Then passes of gradient descent: each pass codes the keyframes exactly as they will be
//! sent, generates the visited frames from the decoded factors, and steps U (and V) along the negative
//! gradient, with a straight-through estimator for rounding. A segment depends on no other, so segments
//! can be fitted in any order.

use candle_core::{Tensor, Var};

use super::descent::{Descent, share};
use super::initial::{joint_factors, keyframe_prompts, separate_factors, uniform_factors};
use super::loss::{Loss, Perceptual};
use super::prompts::{Gradient, Prompts};
use super::schedule::{Schedule, Visit};
use super::segment::{Coded, Segment, SegmentStart, check};
use super::workers::Workers;
use crate::encode::EncodeError;
use crate::encode::options::{Basis, FitOptions};
use crate::frame::Frame;
use crate::model::{Encoder, Generator};
use crate::prompt::{CodedKeyframe, CodingParameters, Factors, KeyframeEncoder, Steps};

/// Passes over which the fall of the loss is measured.
const PATIENCE: usize = 12;
/// Relative fall of the loss over [`PATIENCE`] passes below which the fit stops.
const LEAST_FALL: f64 = 0.002;
/// Weight of earlier passes in the running mean of the prompts, which is the fit's result: it averages
/// out the noise of the last few steps.
const AVERAGE: f32 = 0.6;

/// Fits segments with one generator and one set of options.
#[derive(Debug)]
pub struct Fitter<'a> {
    generator: &'a Generator,
    encoder: Option<&'a Encoder>,
    perceptual: Perceptual<'a>,
    options: FitOptions,
    workers: Workers,
}

/// A fitted segment.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// Every keyframe's layers, as many as the highest rung has.
    pub keyframes: Vec<CodedKeyframe>,
    /// Start payload of the first sample, where the mode has one.
    pub start: Option<Vec<u8>>,
    /// The factors that a decoder of these layers reconstructs.
    pub seen: Vec<Factors>,
    /// Mean loss of each pass.
    pub losses: Vec<f64>,
    /// Frames generated over all passes.
    pub visits: u64,
}

/// Progress of a fit.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Passes done.
    pub pass: u32,
    /// Passes asked for.
    pub passes: u32,
    /// Mean loss of the last pass.
    pub loss: f64,
}

struct Evaluation {
    visit: Visit,
    loss: f64,
    /// Gradient with respect to the composed prompt.
    of_prompt: Vec<f32>,
}

impl<'a> Fitter<'a> {
    /// A fitter for titles of `generator`'s profile; `encoder` is the profile's encoder network, if
    /// it has one. Fails on options out of range.
    pub fn new(
        generator: &'a Generator,
        encoder: Option<&'a Encoder>,
        perceptual: Perceptual<'a>,
        options: FitOptions,
    ) -> Result<Self, EncodeError> {
        options.check(generator.profile().full_rank)?;
        let workers = Workers::new(options.workers)?;
        Ok(Self {
            generator,
            encoder,
            perceptual,
            options,
            workers,
        })
    }

    /// The coding of the highest rung of pictures of a coded size.
    pub fn coding(&self, coded: (u32, u32)) -> CodingParameters {
        let profile = self.generator.profile();
        CodingParameters {
            coding: self.options.coding,
            shape: profile.prompt_shape(coded),
            grid_width: profile.grid_width(coded) as usize,
            components: self.options.ranks.last().copied().unwrap_or(1),
            full_rank: profile.full_rank,
            quantiser: self.options.quantiser(),
        }
    }

    /// Fits the segment `frames` with keyframes at `positions` (ascending, from the first to the last
    /// frame). `number` is the segment's index in its title; it seeds the random numbers. `progress`
    /// is called after every pass.
    ///
    /// Fails without frames, if frames differ in size, if positions do not span them, and if the fit
    /// diverges.
    pub fn fit(
        &self,
        frames: &[Frame],
        positions: &[u32],
        number: u32,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Fitted, EncodeError> {
        check(frames, positions)?;
        let segment = self.segment(frames, positions);
        let number = number.wrapping_mul(0x9e37_79b9);
        let seed = self.options.seed.wrapping_add(number);
        let prompts = if let Some(encoder) = self.encoder {
            self.warm_start(encoder, &segment)?
        } else {
            let first = self.cold_start(frames, seed, progress)?;
            first.repeated(positions.len())
        };
        let (prompts, losses, visits) = self.descend(&segment, prompts, seed, progress)?;
        let coded = self.coded(&segment, &prompts)?;
        Ok(Fitted {
            keyframes: coded.keyframes,
            start: self.start(&segment)?.payload(),
            seen: coded.seen,
            losses,
            visits,
        })
    }

    fn segment<'s>(&'s self, frames: &'s [Frame], positions: &'s [u32]) -> Segment<'s> {
        let visible = (frames[0].width(), frames[0].height());
        let coded = self.generator.profile().coded_size(visible);
        Segment {
            positions,
            frames,
            coded,
            device: self.generator.device(),
            loss: Loss {
                weights: self.options.loss,
                perceptual: self.perceptual,
                visible,
                crop: self.options.crop as usize,
            },
            coding: self.coding(coded),
            interpolation: self.options.interpolation,
        }
    }

    /// Factors of the keyframes from the encoder network's prompts.
    fn warm_start(&self, encoder: &Encoder, segment: &Segment<'_>) -> Result<Prompts, EncodeError> {
        let predict = |frame: &u32| {
            let prompt = encoder.prompts(&segment.target(*frame)?)?.flatten_all()?;
            Ok(prompt.to_vec1::<f32>()?)
        };
        let visited: Vec<u32> = segment.visited().collect();
        let predicted = self.workers.map(&visited, predict)?;
        let keyframes = keyframe_prompts(visited.into_iter().zip(&predicted), segment.positions);
        Ok(if self.shares_basis() {
            joint_factors(&keyframes, &segment.coding)
        } else {
            separate_factors(&keyframes, &segment.coding)
        })
    }

    /// The first frame's prompt, fitted alone from random factors.
    fn cold_start(
        &self,
        frames: &[Frame],
        seed: u32,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Prompts, EncodeError> {
        let first = self.segment(&frames[..1], &[0]);
        let prompts = uniform_factors(&first.coding, seed);
        Ok(self.descend(&first, prompts, seed, progress)?.0)
    }

    /// The passes: the fitted prompts, the mean loss of each pass, and the frames generated.
    fn descend(
        &self,
        segment: &Segment<'_>,
        mut prompts: Prompts,
        seed: u32,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Prompts, Vec<f64>, u64), EncodeError> {
        let passes = self.options.passes;
        let mut ranks = self.options.ranks.as_slice();
        if !self.options.nested {
            ranks = &ranks[ranks.len() - 1..];
        }
        let mut schedule = Schedule::new(segment.positions, segment.between(), ranks, seed);
        let mut descent = Descent::new(&prompts);
        let segment_start = self.start(segment)?;
        let mut average = prompts.clone();
        let (mut losses, mut count) = (Vec::new(), 0);
        for pass in 0..passes {
            let coded = self.coded(segment, &prompts)?;
            let start = segment_start.latent(self.generator, &coded.seen)?;
            let visits = schedule.next_pass();
            let evaluations = self.workers.map(&visits, |visit| {
                self.evaluate(segment, &coded.seen, &start, *visit)
            })?;
            for evaluation in &evaluations {
                schedule.record(evaluation.visit, evaluation.loss);
            }
            let gradient = self.gradient(segment, &coded, &evaluations);
            descent.step(&mut prompts, &gradient, &self.options, share(pass, passes));
            prompts.check(pass + 1)?;
            average.blend(&prompts, AVERAGE.min(pass as f32 / (pass + 1) as f32));
            count += visits.len() as u64;
            let loss = mean(evaluations.iter().map(|evaluation| evaluation.loss));
            losses.push(loss);
            progress(Progress {
                pass: pass + 1,
                passes,
                loss,
            });
            if has_settled(&losses) {
                break;
            }
        }
        Ok((average, losses, count))
    }

    /// Whether the keyframes share V; without an encoder network each has its own.
    fn shares_basis(&self) -> bool {
        self.encoder.is_some() && self.options.basis == Basis::Shared
    }

    /// The gradient of distortion and rate with respect to the factors, summed over visits.
    fn gradient(
        &self,
        segment: &Segment<'_>,
        coded: &Coded,
        evaluations: &[Evaluation],
    ) -> Gradient {
        let mut gradient = Gradient::zero(&coded.seen, self.shares_basis());
        let lambda = self.options.loss.rate / segment.loss.pixels();
        for Evaluation {
            visit, of_prompt, ..
        } in evaluations
        {
            for share in segment.shares(*visit, &coded.seen) {
                gradient.add(share, of_prompt);
                gradient.add_rate(share, &coded.slopes[share.keyframe], lambda);
            }
        }
        gradient
    }

    fn start(&self, segment: &Segment<'_>) -> Result<SegmentStart, EncodeError> {
        Ok(SegmentStart {
            mode: self.options.start_latent,
            mix: self.generator.start(segment.coded)?,
            // Ranks are at most 255.
            base: self.options.ranks.first().map_or(1, |&rank| rank as u8),
        })
    }

    /// The keyframes as transmitted, and as a player reconstructs them.
    fn coded(&self, segment: &Segment<'_>, prompts: &Prompts) -> Result<Coded, EncodeError> {
        let factors = prompts.factors()?;
        let steps = Steps::uniform(&factors, segment.coding.quantiser, self.options.step)?;
        let rdoq_lambda = self.options.rdoq_lambda as f32;
        let mut encoder = KeyframeEncoder::with_rdoq(segment.coding, steps, rdoq_lambda)?;
        let mut coded = Coded::default();
        for keyframe in &factors {
            let (bytes, seen) = encoder.push(keyframe)?;
            coded.keyframes.push(bytes);
            coded.seen.push(seen);
            coded.slopes.push(encoder.slopes().to_vec());
        }
        Ok(coded)
    }

    /// Generates one frame: its loss and the gradient with respect to its composed prompt.
    fn evaluate(
        &self,
        segment: &Segment<'_>,
        seen: &[Factors],
        start: &Tensor,
        visit: Visit,
    ) -> Result<Evaluation, EncodeError> {
        let shape = segment.coding.shape;
        let values = segment.prompt(seen, visit)?;
        let device = self.generator.device();
        let prompt = Var::from_vec(values, (1, shape.tokens, shape.dim), device)?;
        let pictures = self.generator.frames(prompt.as_tensor(), start)?;
        let target = segment.target(visit.frame)?;
        let mut loss = segment.loss.of(&pictures, &target, visit.corner)?;
        if self.options.loss.prompt > 0.0 {
            let size = (prompt.abs()?.mean_all()? * self.options.loss.prompt)?;
            loss = (loss + size)?;
        }
        let gradients = loss.backward()?;
        let of_prompt = match gradients.get(prompt.as_tensor()) {
            Some(gradient) => gradient.flatten_all()?.to_vec1()?,
            None => vec![0.0; prompt.elem_count()],
        };
        Ok(Evaluation {
            visit,
            of_prompt,
            loss: f64::from(loss.to_scalar::<f32>()?),
        })
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

fn has_settled(losses: &[f64]) -> bool {
    let Some(start) = losses.len().checked_sub(2 * PATIENCE) else {
        return false;
    };
    let (before, after) = losses[start..].split_at(PATIENCE);
    let [before, after] = [before, after].map(|losses| mean(losses.iter().copied()));
    before - after < LEAST_FALL * before
}
