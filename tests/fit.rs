//! The fit of a segment, seen from outside: what a player decodes is what was fitted, more passes
//! make better frames, and the bytes depend on nothing but the input and the options.

#![allow(clippy::unwrap_used)]

use candle_core::{Device, Tensor};
use promptus::encode::{FitOptions, Fitted, Fitter, LossWeights, Perceptual, Progress};
use promptus::frame::Frame;
use promptus::model::synthetic::{RandomWeights, narrow_sd_turbo};
use promptus::model::{Encoder, Generator, StartPayload, picture};
use promptus::prompt::{CodingId, CodingParameters, Factors, Interpolation, KeyframeDecoder};
use promptus::render::SegmentRenderer;
use promptus::segment::coded::{CodedFrame, CodedSegment};
use promptus::segment::keyframes::keyframe_positions;
use promptus::segment::media::read_media;
use promptus::segment::{StartLatent, Track};
use promptus::time::FrameRate;
use std::sync::Arc;

const VISIBLE: (u32, u32) = (64, 32);

/// A disc that drifts over a slope of colours.
fn drifting_disc(count: u32) -> Vec<Frame> {
    let frame = |n: u32| {
        let pixel = |x: u32, y: u32| {
            let dx = f64::from(x) - 20.0 - 1.5 * f64::from(n);
            let dy = f64::from(y) - 15.0;
            let slope = (2 * x + 3 * y) as u8;
            match dx.mul_add(dx, dy * dy) {
                ..90.0 => [220, 90, 40],
                _ => [slope, 120, 200 - slope / 2],
            }
        };
        let data = (0..32).flat_map(|y| (0..64).flat_map(move |x| pixel(x, y)));
        Frame::new(64, 32, data.collect()).unwrap()
    };
    (0..count).map(frame).collect()
}

fn options(passes: u32) -> FitOptions {
    FitOptions {
        ranks: vec![2, 4, 8],
        passes,
        crop: 32,
        seed: 5,
        ..FitOptions::default()
    }
}

fn mini() -> Arc<Generator> {
    Arc::new(Generator::shipped(&Device::Cpu).unwrap())
}

fn encoder() -> Encoder {
    Encoder::shipped(&Device::Cpu).unwrap()
}

fn fit(frames: &[Frame], options: FitOptions) -> (Fitted, CodingParameters) {
    let (generator, encoder) = (mini(), encoder());
    let perceptual = Perceptual::Features(&encoder);
    let fitter = Fitter::new(&generator, Some(&encoder), perceptual, options).unwrap();
    let positions = keyframe_positions(frames.len() as u32, 5);
    let fitted = fitter.fit(frames, &positions, 0, &mut |_| ()).unwrap();
    (fitted, fitter.coding(VISIBLE))
}

/// The picture of the first `rank` components of `factors` with the start latent `start`.
fn generate(generator: &Generator, factors: &Factors, rank: usize, start: &Tensor) -> Tensor {
    let shape = (1, factors.shape().tokens, factors.shape().dim);
    let prompt = Tensor::from_vec(factors.compose(rank), shape, &Device::Cpu).unwrap();
    generator.frames(&prompt, start).unwrap()
}

/// Mean squared error of the keyframes at `rank`, generated from what a decoder sees.
fn error(frames: &[Frame], fitted: &Fitted, rank: usize) -> f64 {
    let generator = mini();
    let start = generator.start(VISIBLE).unwrap().fresh().unwrap();
    let positions = keyframe_positions(frames.len() as u32, 5);
    let pairs = positions.iter().zip(&fitted.seen);
    let each = pairs.map(|(&position, factors)| {
        let made = generate(&generator, factors, rank, &start);
        let frame = &frames[position as usize];
        let target = picture::to_tensor(frame, VISIBLE, &Device::Cpu).unwrap();
        let squares = (made - target).unwrap().sqr().unwrap();
        f64::from(squares.mean_all().unwrap().to_scalar::<f32>().unwrap())
    });
    each.sum::<f64>() / positions.len() as f64
}

#[test]
fn passes_lower_the_error_of_every_rung() {
    let frames = drifting_disc(7);
    let fit = |passes| {
        let loss = LossWeights::MSE;
        let options = options(passes);
        fit(&frames, FitOptions { loss, ..options }).0
    };
    let (start, fitted) = (fit(0), fit(15));
    assert!(start.losses.is_empty() && start.visits == 0);
    for rank in [2, 4, 8] {
        let [before, after] = [&start, &fitted].map(|fitted| error(&frames, fitted, rank));
        assert!(after < 0.99 * before, "rank {rank}: {before} to {after}");
    }
}

#[test]
fn every_rung_of_short_and_long_segments_decodes_to_what_was_fitted() {
    for count in [1, 2, 7] {
        let (fitted, coding) = fit(&drifting_disc(count), options(2));
        assert_eq!(fitted.keyframes.len(), keyframe_positions(count, 5).len());
        assert_eq!(fitted.losses.len(), 2);
        for components in [2, 4, 8] {
            let mut rung = coding;
            rung.components = components;
            let mut decoder = KeyframeDecoder::new(rung).unwrap();
            for (keyframe, seen) in fitted.keyframes.iter().zip(&fitted.seen) {
                let layers = keyframe.layers.iter().take(components);
                let layers: Vec<&[u8]> = layers.map(Vec::as_slice).collect();
                assert_eq!(decoder.push(&layers).unwrap(), seen.truncated(components));
            }
        }
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_workers() {
    let frames = drifting_disc(7);
    let with = |workers, seed| {
        let mut options = options(3);
        (options.workers, options.seed) = (workers, seed);
        fit(&frames, options).0.keyframes
    };
    assert_eq!(with(1, 5), with(3, 5));
    assert_ne!(with(1, 5), with(1, 6));
}

/// A fitted segment as a player gets it.
struct Sent<'a> {
    generator: &'a Arc<Generator>,
    fitted: &'a Fitted,
    coding: CodingParameters,
    mode: StartLatent,
    positions: &'a [u32],
}

impl Sent<'_> {
    /// The frames of the media segment.
    fn played(&self) -> Vec<Frame> {
        let profile = self.generator.profile();
        let track = Track {
            profile: profile.name.to_owned(),
            weights: self.generator.weights_hash(),
            coding: self.coding,
            first_component: 0,
            interpolation: Interpolation::Motion,
            start_latent: self.mode,
            noise_seed: profile.start.seed,
            noise_weight: profile.start.weight as f32,
            frame_rate: FrameRate::new(30, 1).unwrap(),
            visible: VISIBLE,
            coded: profile.coded_size(VISIBLE),
            pixel_aspect: (1, 1),
        };
        let keyframes = self.positions.iter().zip(&self.fitted.keyframes);
        let keyframes = keyframes.map(|(&position, coded)| CodedFrame {
            position,
            layers: coded.layers.iter().cloned().map(Into::into).collect(),
        });
        let segment = CodedSegment {
            frames: self.positions.last().unwrap() + 1,
            chained: false,
            start_latent: self.fitted.start.clone().map(Into::into),
            keyframes: keyframes.collect(),
        };
        let media = read_media(&segment.write(&track, 1, 0).unwrap()).unwrap();
        let mut out = Vec::new();
        let deliver = &mut |frame| {
            out.push(frame);
            Ok(())
        };
        let mut renderer = SegmentRenderer::new(Arc::clone(self.generator), track).unwrap();
        renderer.render(&media, deliver).unwrap();
        out
    }

    /// The last frame as the fit generated it: from its factors and its start latent.
    fn last_as_fitted(&self) -> Frame {
        let (generator, seen) = (self.generator, &self.fitted.seen);
        let coded = generator.profile().coded_size(VISIBLE);
        let payload = StartPayload {
            mode: self.mode,
            bytes: self.fitted.start.as_deref().unwrap_or_default(),
        };
        let compose = |components| Some(seen[0].compose(components));
        let start = payload.latent(generator, &generator.start(coded).unwrap(), compose);
        let last = seen.last().unwrap();
        let made = generate(generator, last, last.rank(), &start.unwrap());
        picture::to_frames(&made, VISIBLE).unwrap().remove(0)
    }
}

#[test]
fn both_start_latents_are_played_as_they_were_fitted() {
    let generator = mini();
    let frames = drifting_disc(3);
    let made = [StartLatent::Noise, StartLatent::TwoPass].map(|mode| {
        let mut options = options(2);
        options.start_latent = mode;
        let (fitted, coding) = fit(&frames, options);
        let sent = Sent {
            generator: &generator,
            fitted: &fitted,
            coding,
            mode,
            positions: &[0, 2],
        };
        let made = sent.played();
        assert_eq!(made[2], sent.last_as_fitted(), "{mode:?}");
        (fitted.start, made)
    });
    assert_eq!(made[0].0, None);
    assert_eq!(made[1].0, Some(vec![2]));
    assert_ne!(made[0].1, made[1].1);
}

#[test]
fn a_profile_without_an_encoder_network_is_fitted_from_random_factors() {
    let random = RandomWeights::new(9, &Device::Cpu);
    let generator = Arc::new(Generator::new(narrow_sd_turbo(), &random, [7; 32]).unwrap());
    let features = encoder();
    let frames = drifting_disc(4);
    let (positions, mode) = (keyframe_positions(4, 3), StartLatent::TwoPass);
    for (coding, ranks) in [
        (CodingId::Layered, vec![2, 4]),
        (CodingId::Reference, vec![4]),
    ] {
        let options = FitOptions {
            ranks,
            coding,
            passes: 30,
            crop: 32,
            loss: LossWeights::MSE,
            start_latent: mode,
            ..FitOptions::for_profile(generator.profile())
        };
        let perceptual = Perceptual::Features(&features);
        let fitter = Fitter::new(&generator, None, perceptual, options).unwrap();
        let mut first = Vec::new();
        let note = &mut |progress: Progress| first.push(progress.loss);
        let fitted = fitter.fit(&frames, &positions, 0, note).unwrap();
        let last = fitted.losses.last().unwrap();
        assert!(*last < 0.9 * first[0], "{coding:?}: {} to {last}", first[0]);
        let sent = Sent {
            generator: &generator,
            fitted: &fitted,
            coding: fitter.coding(VISIBLE),
            mode,
            positions: &positions,
        };
        assert_eq!(sent.played()[3], sent.last_as_fitted());
    }
}

#[test]
fn moved_frames_take_no_part_in_the_fit() {
    let frames = drifting_disc(7);
    let mut other = frames.clone();
    other[3] = Frame::new(64, 32, vec![200; 64 * 32 * 3]).unwrap();
    let with = |interpolation, frames: &[Frame]| {
        let mut options = options(2);
        options.interpolation = interpolation;
        let (fitted, _) = fit(frames, options);
        (fitted.visits, fitted.keyframes)
    };
    let moved = with(Interpolation::Motion, &frames);
    assert_eq!(moved.0, 2 * 3);
    assert_eq!(moved, with(Interpolation::Motion, &other));
    let generated = with(Interpolation::Prompt, &frames);
    assert_eq!(generated.0, 2 * (3 + 2));
    assert_ne!(generated.1, with(Interpolation::Prompt, &other).1);
}

#[test]
fn presets_weigh_differently() {
    let frames = drifting_disc(3);
    let mut rate = LossWeights::MSE;
    rate.rate = 1.0;
    let presets = [LossWeights::DEFAULT, LossWeights::REFERENCE];
    let mut seen = Vec::new();
    for loss in presets.into_iter().chain([LossWeights::MSE, rate]) {
        let keyframes = fit(&frames, FitOptions { loss, ..options(3) }).0.keyframes;
        assert!(!seen.contains(&keyframes), "{loss:?} changes nothing");
        seen.push(keyframes);
    }
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    let (generator, encoder) = (mini(), encoder());
    let new = |change: &dyn Fn(&mut FitOptions)| {
        let mut options = options(1);
        change(&mut options);
        let perceptual = Perceptual::Features(&encoder);
        Fitter::new(&generator, Some(&encoder), perceptual, options)
    };
    let refused = |change: &dyn Fn(&mut FitOptions), expected: &str| {
        let error = new(change).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    for ranks in [vec![], vec![0, 3], vec![5, 3], vec![3, 17]] {
        refused(&|options| options.ranks = ranks.clone(), "ranks is");
    }
    let truncated = "cannot be truncated";
    refused(&|options| options.coding = CodingId::Reference, truncated);
    for mode in [StartLatent::Chain, StartLatent::Coarse, StartLatent::Full] {
        refused(&|options| options.start_latent = mode, "start latent is");
    }
    refused(&|options| options.loss.rate = f64::NAN, "NaN");
    refused(&|options| options.step = f32::NAN, "step is NaN");
    let fitter = new(&|_| ()).unwrap();
    let mut frames = drifting_disc(3);
    let refused = |frames: &[Frame], positions: &[u32], expected: &str| {
        let error = fitter.fit(frames, positions, 0, &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    refused(&[], &[], "a segment needs a frame");
    refused(&frames, &[0, 1], "do not span 3 frames");
    frames[1] = Frame::new(2, 2, vec![0; 12]).unwrap();
    refused(&frames, &[0, 2], "frame 1 of the segment");
}
