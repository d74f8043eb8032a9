//! The fit of a segment, seen from outside: what a player decodes is what was fitted, more passes
//! make better frames, and the bytes depend on nothing but the input and the options.

#![allow(clippy::unwrap_used)]

use candle_core::{Device, Tensor};
use promptus::frame::Frame;
use promptus::invert::{FitOptions, Fitted, Fitter, LossWeights, Perceptual};
use promptus::model::{Encoder, Generator, picture};
use promptus::prompt::{CodingParameters, KeyframeDecoder};
use promptus::segment::keyframes::keyframe_positions;

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
        &encoder,
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
        loss: LossWeights::PSNR,
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

#[test]
fn nonsense_is_refused() {
    let generator = Generator::shipped(&Device::Cpu).unwrap();
    let encoder = Encoder::shipped(&Device::Cpu).unwrap();
    let new = |options| {
        Fitter::new(
            &generator,
            &encoder,
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
