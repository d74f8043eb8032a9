//! The fit of a segment, seen from outside: what a player decodes is what was fitted, more passes
//! make better frames, and the bytes depend on nothing but the input and the options.

#![allow(clippy::unwrap_used)]

use candle_core::{Device, Tensor};
use promptus::encode::{
    FitOptions, Fitted, Fitter, LossWeights, Perceptual, Progress, StartOptions,
};
use promptus::frame::Frame;
use promptus::model::opening::opening;
use promptus::model::profile::{
    AttentionForm, Conditioning, DecoderForm, Modulation, Stage, UNetForm,
};
use promptus::model::synthetic::RandomWeights;
use promptus::model::{Encoder, Generator, Profile, picture};
use promptus::prompt::{CodingId, CodingParameters, Interpolation, KeyframeDecoder};
use promptus::render::SegmentRenderer;
use promptus::segment::coded::{CodedFrame, CodedSegment};
use promptus::segment::keyframes::keyframe_positions;
use promptus::segment::media::read_media;
use promptus::segment::{StartLatent, Track};
use promptus::time::FrameRate;
use std::sync::Arc;

/// A disc that drifts over a slope of colours, 64×32.
fn drifting_disc(count: u32) -> Vec<Frame> {
    let frame = |n: u32| {
        let pixel = |x: u32, y: u32| {
            let dx = f64::from(x) - 20.0 - 1.5 * f64::from(n);
            let dy = f64::from(y) - 15.0;
            let inside = dx.mul_add(dx, dy * dy) < 90.0;
            let slope = (2 * x + 3 * y) as u8;
            if inside {
                [220, 90, 40]
            } else {
                [slope, 120, 200 - slope / 2]
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

fn fit(frames: &[Frame], options: FitOptions) -> (Fitted, CodingParameters) {
    let generator = Generator::shipped(&Device::Cpu).unwrap();
    let encoder = Encoder::shipped(&Device::Cpu).unwrap();
    let fitter = Fitter::new(
        &generator,
        Some(&encoder),
        Perceptual::Features(&encoder),
        options,
    )
    .unwrap();
    let positions = keyframe_positions(frames.len() as u32, 5);
    let fitted = fitter.fit(frames, &positions, 0, &mut |_| ()).unwrap();
    (fitted, fitter.coding((64, 32)))
}

/// Mean squared error of the keyframes at `rank`, generated from what a decoder sees.
fn error(frames: &[Frame], fitted: &Fitted, rank: usize) -> f64 {
    let generator = Generator::shipped(&Device::Cpu).unwrap();
    let start = generator.start((64, 32)).unwrap().fresh().unwrap();
    let positions = keyframe_positions(frames.len() as u32, 5);
    let each = positions
        .iter()
        .zip(&fitted.seen)
        .map(|(&position, factors)| {
            let prompt = Tensor::from_vec(factors.compose(rank), (1, 8, 32), &Device::Cpu).unwrap();
            let made = generator.frames(&prompt, &start).unwrap();
            let aim =
                picture::to_tensor(&frames[position as usize], (64, 32), &Device::Cpu).unwrap();
            let mse = (made - aim).unwrap().sqr().unwrap().mean_all().unwrap();
            f64::from(mse.to_scalar::<f32>().unwrap())
        });
    each.sum::<f64>() / positions.len() as f64
}

#[test]
fn passes_lower_the_error_of_every_rung() {
    let frames = drifting_disc(7);
    let psnr = |passes| FitOptions {
        loss: LossWeights::MSE,
        ..options(passes)
    };
    let (start, _) = fit(&frames, psnr(0));
    let (fitted, _) = fit(&frames, psnr(15));
    assert!(start.losses.is_empty() && start.visits == 0);
    for rank in [2, 4, 8] {
        let (before, after) = (error(&frames, &start, rank), error(&frames, &fitted, rank));
        assert!(after < 0.99 * before, "rank {rank}: {before} to {after}");
    }
}

#[test]
fn every_rung_decodes_to_what_was_fitted() {
    let (fitted, coding) = fit(&drifting_disc(7), options(2));
    for components in [2, 4, 8] {
        let mut decoder = KeyframeDecoder::new(CodingParameters {
            components,
            ..coding
        })
        .unwrap();
        for (keyframe, seen) in fitted.keyframes.iter().zip(&fitted.seen) {
            let layers = keyframe.layers.iter().take(components);
            let layers: Vec<&[u8]> = layers.map(Vec::as_slice).collect();
            assert_eq!(decoder.push(&layers).unwrap(), seen.truncated(components));
        }
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_workers() {
    let frames = drifting_disc(7);
    let with = |workers, seed| {
        let options = FitOptions {
            workers,
            seed,
            ..options(3)
        };
        fit(&frames, options).0.keyframes
    };
    assert_eq!(with(1, 5), with(3, 5));
    assert_ne!(with(1, 5), with(1, 6));
}

#[test]
fn short_segments_are_fitted() {
    for count in [1, 2, 7] {
        let frames = drifting_disc(count);
        let (fitted, _) = fit(&frames, options(2));
        let positions = keyframe_positions(count, 5);
        assert_eq!(fitted.keyframes.len(), positions.len());
        assert_eq!(fitted.losses.len(), 2);
    }
}

/// What a player makes of a fitted segment: the same bytes in a media segment, rendered.
fn played(
    generator: &Arc<Generator>,
    fitted: &Fitted,
    (coding, mode): (CodingParameters, StartLatent),
    (frames, interval): (u32, u32),
    visible: (u32, u32),
) -> Vec<Frame> {
    let profile = generator.profile();
    let track = Track {
        profile: profile.name.to_owned(),
        weights: generator.weights_hash(),
        coding,
        first_component: 0,
        interpolation: Interpolation::Motion,
        start_latent: mode,
        noise_seed: profile.start.seed,
        noise_weight: profile.start.weight as f32,
        frame_rate: FrameRate::new(30, 1).unwrap(),
        visible,
        coded: profile.coded_size(visible),
        pixel_aspect: (1, 1),
    };
    let positions = keyframe_positions(frames, interval);
    let keyframes = positions.iter().zip(&fitted.keyframes);
    let segment = CodedSegment {
        frames,
        chained: false,
        start_latent: fitted.start.clone().map(Into::into),
        keyframes: keyframes
            .map(|(&position, coded)| CodedFrame {
                position,
                layers: coded.layers.iter().cloned().map(Into::into).collect(),
            })
            .collect(),
    };
    let bytes = segment.write(&track, 1, 0).unwrap();
    let mut renderer = SegmentRenderer::new(Arc::clone(generator), track).unwrap();
    let mut out = Vec::new();
    let media = read_media(&bytes).unwrap();
    let deliver = &mut |frame| {
        out.push(frame);
        Ok(())
    };
    renderer.render(&media, deliver).unwrap();
    out
}

/// The last frame as the fit saw it: from its factors and what it sends to start from.
fn as_fitted(
    generator: &Generator,
    fitted: &Fitted,
    mode: StartLatent,
    visible: (u32, u32),
) -> Frame {
    let coded = generator.profile().coded_size(visible);
    let sent = fitted.start.clone().unwrap_or_default();
    let sketch = |components| Some(fitted.seen[0].compose(components));
    let start = generator.start(coded).unwrap();
    let z = opening(generator, &start, (mode, &sent), sketch).unwrap();
    let last = fitted.seen.last().unwrap();
    let shape = (1, last.shape().tokens, last.shape().dim);
    let prompt = Tensor::from_vec(last.compose(last.rank()), shape, &Device::Cpu).unwrap();
    let made = generator.frames(&prompt, &z).unwrap();
    picture::to_frames(&made, visible).unwrap().remove(0)
}

#[test]
fn every_way_to_start_is_played_as_it_was_fitted() {
    let generator = Arc::new(Generator::shipped(&Device::Cpu).unwrap());
    let frames = drifting_disc(3);
    let mut seen = Vec::new();
    for (mode, bytes) in [
        (StartLatent::Noise, None),
        (StartLatent::TwoPass, Some(1)),
        (StartLatent::Coarse, Some(9 + 16 * 2)),
        (StartLatent::Full, Some(9 + 16 * 8 * 4 / 2)),
    ] {
        let start = StartOptions {
            mode,
            side: 2,
            bits: if mode == StartLatent::Full { 4 } else { 8 },
        };
        let options = FitOptions {
            start,
            ..options(2)
        };
        let (fitted, coding) = fit(&frames, options);
        assert_eq!(fitted.start.as_ref().map(Vec::len), bytes, "{mode:?}");
        let made = played(&generator, &fitted, (coding, mode), (3, 5), (64, 32));
        assert_eq!(
            made[2],
            as_fitted(&generator, &fitted, mode, (64, 32)),
            "{mode:?}"
        );
        assert!(!seen.contains(&made), "{mode:?} changes nothing");
        seen.push(made);
    }
}

/// SD-Turbo's structure at a small width, with random weights: 7 tokens, 8 pixels a latent cell.
fn narrow() -> Generator {
    let dim = 20;
    let full = Profile::sd_turbo();
    let profile = Profile {
        cell: 16,
        conditioning: Conditioning::CrossAttention { tokens: 7, dim },
        unet: UNetForm {
            widths: vec![16, 32],
            layers: 1,
            norm_groups: Some(4),
            modulation: Modulation::Time {
                timestep: 999.0,
                code: 16,
                dim: 24,
            },
            attention: Some(AttentionForm {
                heads: vec![2, 0],
                middle_heads: 4,
                context: dim,
            }),
            ..full.unet
        },
        decoder: DecoderForm {
            stages: vec![
                Stage {
                    channels: 8,
                    blocks: 1
                };
                4
            ],
            ..DecoderForm::taesd()
        },
        ..Profile::sd_turbo()
    };
    Generator::new(profile, &RandomWeights::new(9, &Device::Cpu), [7; 32]).unwrap()
}

#[test]
fn a_profile_without_an_encoder_network_is_fitted_from_random_factors() {
    let generator = Arc::new(narrow());
    let features = Encoder::shipped(&Device::Cpu).unwrap();
    let frames = drifting_disc(4);
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
            start: StartOptions {
                mode: StartLatent::TwoPass,
                ..StartOptions::default()
            },
            ..FitOptions::for_profile(generator.profile())
        };
        let perceptual = Perceptual::Features(&features);
        let fitter = Fitter::new(&generator, None, perceptual, options).unwrap();
        let positions = keyframe_positions(4, 3);
        let mut first = Vec::new();
        let note = &mut |progress: Progress| first.push(progress.loss);
        let fitted = fitter.fit(&frames, &positions, 0, note).unwrap();
        let last = fitted.losses.last().unwrap();
        assert!(*last < 0.9 * first[0], "{coding:?}: {} to {last}", first[0]);
        let mode = StartLatent::TwoPass;
        let coding = fitter.coding((64, 32));
        let made = played(&generator, &fitted, (coding, mode), (4, 3), (64, 32));
        assert_eq!(made[3], as_fitted(&generator, &fitted, mode, (64, 32)));
    }
}

#[test]
fn moved_frames_take_no_part_in_the_fit() {
    let frames = drifting_disc(7);
    let mut other = frames.clone();
    other[3] = Frame::new(64, 32, vec![200; 64 * 32 * 3]).unwrap();
    let with = |interpolation, frames: &[Frame]| {
        let options = FitOptions {
            interpolation,
            ..options(2)
        };
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
    let mut seen = Vec::new();
    for loss in [
        LossWeights::DEFAULT,
        LossWeights::MSE,
        LossWeights::REFERENCE,
        LossWeights {
            rate: 1.0,
            ..LossWeights::MSE
        },
    ] {
        let fitted = fit(&frames, FitOptions { loss, ..options(3) }).0;
        assert!(
            !seen.contains(&fitted.keyframes),
            "{loss:?} changes nothing"
        );
        seen.push(fitted.keyframes);
    }
}

#[test]
fn nonsense_is_refused() {
    let generator = Generator::shipped(&Device::Cpu).unwrap();
    let encoder = Encoder::shipped(&Device::Cpu).unwrap();
    let new = |options| {
        Fitter::new(
            &generator,
            Some(&encoder),
            Perceptual::Features(&encoder),
            options,
        )
    };
    for ranks in [vec![], vec![0, 3], vec![5, 3], vec![3, 17]] {
        let error = new(FitOptions {
            ranks,
            ..options(1)
        })
        .unwrap_err()
        .to_string();
        assert!(error.starts_with("ranks is"), "{error}");
    }
    let refused = |options: FitOptions| new(options).unwrap_err().to_string();
    let reference = FitOptions {
        coding: CodingId::Reference,
        ..options(1)
    };
    assert!(refused(reference).contains("cannot be cut"));
    for (mode, side, bits) in [
        (StartLatent::Chain, 8, 8),
        (StartLatent::Coarse, 0, 8),
        (StartLatent::Full, 8, 5),
    ] {
        let start = StartOptions { mode, side, bits };
        assert!(
            refused(FitOptions {
                start,
                ..options(1)
            })
            .starts_with("start is")
        );
    }
    let loss = LossWeights {
        rate: f64::NAN,
        ..LossWeights::MSE
    };
    assert!(refused(FitOptions { loss, ..options(1) }).contains("NaN"));
    assert!(
        new(FitOptions {
            step: f32::NAN,
            ..options(1)
        })
        .is_err()
    );
    let fitter = new(options(1)).unwrap();
    let mut frames = drifting_disc(3);
    assert!(fitter.fit(&[], &[], 0, &mut |_| ()).is_err());
    assert!(fitter.fit(&frames, &[0, 1], 0, &mut |_| ()).is_err());
    frames[1] = Frame::new(2, 2, vec![0; 12]).unwrap();
    let error = fitter
        .fit(&frames, &[0, 2], 0, &mut |_| ())
        .unwrap_err()
        .to_string();
    assert!(error.contains("frame 1 of the segment"), "{error}");
}
