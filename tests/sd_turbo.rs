//! SD-Turbo's arithmetic against diffusers and PyTorch, on random weights: see `tools/reference`.
//!
//! | test | proves | bound on max ǀa − bǀ ÷ max ǀbǀ |
//! |---|---|---|
//! | `the_unet_…` | the noise prediction is that of diffusers' `UNet2DConditionModel` | 1e-4 |
//! | `gradients_…` | gradients of U and V are PyTorch's | cosine 0.9999, norm 0.1 % |
//! | `the_full_size_autoencoder_…` | `AutoencoderKL`, encoder and decoder | 1e-4 |
//! | `ten_frames_…` | official prompts to frames: chain, noise, interpolation, schedule | 1e-3 |
//! | `full_size_…` | all of it at SD-Turbo's size, from a file (`PROMPTUS_LONG=1`) | 1e-3 |

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/small_sd.rs"]
mod small_sd;

use candle_core::{Device, Tensor, Var};
use promptus::frame::Frame;
use promptus::model::noise::RandomState;
use promptus::model::scope::Scope;
use promptus::model::stable_diffusion::{StableDiffusion, names};
use promptus::model::synthetic::{Listing, RandomWeights};
use promptus::model::unet::UNet;
use promptus::model::weights::{Checkpoint, Source};
use promptus::model::{Profile, Vae};
use promptus::package::{ImportOptions, from_official};
use promptus::prompt::official::{OfficialFolder, read_init, read_prompt};
use promptus::render::SegmentRenderer;
use promptus::segment::media::MediaSegment;
use small_sd::{FIXTURE, distance, profile, vae_form, values};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CPU: Device = Device::Cpu;

/// `RandomState(seed).randn(*shape)` in single precision.
fn normal(seed: u32, shape: &[usize]) -> Tensor {
    let numbers = RandomState::new(seed).randn(shape.iter().product());
    Tensor::from_vec(numbers, shape, &CPU).unwrap()
}

fn tensor(name: &str, shape: &[usize]) -> Tensor {
    FIXTURE.tensor(name, shape).unwrap()
}

#[test]
fn the_unet_gives_what_diffusers_gives() {
    let source = RandomWeights::new(small_sd::SEED, &CPU);
    let form = profile(2).unet;
    let unet = UNet::new(&form, &Scope::root(&source).sub("unet")).unwrap();
    let prompt = (normal(11, &[2, 77, 1024]) * 0.5).unwrap();
    let z = normal(10, &[1, 4, 16, 24]);
    let z = Tensor::cat(&[&z, &z], 0).unwrap();
    let out = unet.forward(&z, &prompt).unwrap();
    let expected = tensor("unet.out", &[2, 4, 16, 24]);
    let distance = distance(&out, &expected);
    println!("noise prediction: {distance:.2e}");
    assert!(distance < 1e-4, "{distance}");
}

#[test]
fn gradients_of_both_factors_are_pytorchs() {
    let generator = small_sd::generator(2, "grad");
    let u = Var::from_tensor(&(normal(12, &[77, 8]) * 0.7).unwrap()).unwrap();
    let v = Var::from_tensor(&normal(13, &[8, 1024])).unwrap();
    let prompt = (u.matmul(&v).unwrap() / 8_f64.sqrt()).unwrap();
    let prompt = prompt.unsqueeze(0).unwrap();
    let start = normal(10, &[1, 4, 16, 24]);
    let latent = generator.latent(&prompt, &start).unwrap();
    let off = distance(&latent, &tensor("grad.latent", &[1, 4, 16, 24]));
    assert!(off < 1e-4, "latent: {off}");
    let picture = generator.decode(&latent).unwrap();
    let seen = small_sd::every(&picture, 3, 8);
    let off = distance(&seen, &tensor("grad.picture", &[1, 3, 16, 24]));
    assert!(off < 1e-4, "picture: {off}");

    let target = normal(14, &[1, 3, 128, 192]).affine(0.2, 0.5).unwrap();
    let squares = (picture - target).unwrap().sqr().unwrap().mean_all();
    let size = prompt.abs().unwrap().mean_all().unwrap();
    let loss = ((squares.unwrap() * 0.8).unwrap() + (size * 0.1).unwrap()).unwrap();
    let expected = values(&tensor("grad.loss", &[1]))[0];
    let got: f32 = loss.to_scalar().unwrap();
    assert!((got - expected).abs() < 1e-5 * expected, "{got} {expected}");

    let gradients = loss.backward().unwrap();
    for (name, factor, shape) in [("grad.u", &u, [77, 8]), ("grad.v", &v, [8, 1024])] {
        let ours = values(gradients.get(factor.as_tensor()).unwrap());
        let theirs = values(&tensor(name, &shape));
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            let pairs = a.iter().zip(b);
            pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let lengths = (dot(&ours, &ours).sqrt(), dot(&theirs, &theirs).sqrt());
        let cosine = dot(&ours, &theirs) / lengths.0 / lengths.1;
        let norm = lengths.0 / lengths.1 - 1.0;
        println!("{name}: cosine 1 − {:.1e}, norm {norm:+.1e}", 1.0 - cosine);
        assert!(cosine > 0.9999 && norm.abs() < 1e-3, "{cosine} {norm}");
    }
}

#[test]
fn the_full_size_autoencoder_gives_what_diffusers_gives() {
    let source = RandomWeights::new(small_sd::SEED, &CPU);
    let vae = Vae::new(&vae_form(), &source).unwrap();
    let picture = normal(30, &[1, 3, 48, 64]).affine(0.2, 0.5).unwrap();
    let latent = vae.encode(&picture).unwrap();
    let off = distance(&latent, &tensor("vae.latent", &[1, 4, 6, 8]));
    let picture = vae.decode(&latent).unwrap();
    let far = distance(&picture, &tensor("vae.picture", &[1, 3, 48, 64]));
    println!("autoencoder: encoder {off:.2e}, decoder {far:.2e}");
    assert!(off < 1e-4 && far < 1e-4, "{off} {far}");
    let odd = normal(1, &[1, 3, 40, 60]);
    let error = vae.encode(&odd).unwrap_err().to_string();
    assert!(error.contains("multiples of 8"), "{error}");
}

/// Four official key frames of sky, three frames apart instead of ten.
fn official(shared: &Path) -> OfficialFolder {
    let folder = shared.join("promptus-official/sky/rank8_interval10");
    let prompts: BTreeMap<u32, _> = (0..4)
        .map(|k| {
            let file = folder.join(format!("frame_{:05}.prompt", 10 * k));
            (3 * k, read_prompt(&file).unwrap())
        })
        .collect();
    let init = read_init(&folder.join("init.pth")).unwrap();
    OfficialFolder { init, prompts }
}

#[test]
fn ten_frames_of_official_prompts_are_the_references() {
    let Some(shared) = common::shared() else {
        return;
    };
    let options = ImportOptions {
        frame_rate: "30".parse().unwrap(),
        visible: None,
        weights: [0; 32],
    };
    let content = from_official(&official(&shared), options).unwrap();
    let rung = &content.rungs[0];
    let generator = Arc::new(small_sd::generator(1, "chain"));
    let mut renderer = SegmentRenderer::new(generator, rung.track.clone()).unwrap();
    let media: MediaSegment = small_sd::media(&rung.track, &rung.segments[0]);
    let expected = tensor("chain.frames", &[10, 3, 32, 32]);
    let expected = expected.clamp(0.0, 1.0).unwrap();
    let (mut number, mut worst) = (0, 0.0_f32);
    let mut compare = |frame: Frame| {
        let wanted = values(&expected.get(number).unwrap());
        for (i, wanted) in wanted.into_iter().enumerate() {
            let (colour, row, column) = (i / 1024, i / 32 % 32, i % 32);
            let pixel = frame.pixel(5 + 16 * column as u32, 5 + 16 * row as u32);
            worst = worst.max((f32::from(pixel[colour]) / 255.0 - wanted).abs());
        }
        number += 1;
        Ok(())
    };
    renderer.render(&media, &mut compare).unwrap();
    assert_eq!(number, 10);
    // A frame's bytes are rounded: half a level may be off before anything is wrong.
    let beyond = worst - 0.5 / 255.0;
    println!("ten frames: {beyond:.2e} beyond rounding");
    assert!(beyond < 1e-3, "{beyond}");
}

#[test]
fn original_names_are_those_of_diffusers_converter() {
    let text = include_str!("data/stable_diffusion_names.tsv");
    let form = Profile::sd_turbo().unet;
    let listing = Listing::default();
    UNet::new(&form, &Scope::root(&listing)).unwrap();
    let mut left: Vec<String> = listing.into_tensors().into_iter().map(|t| t.0).collect();
    for line in text.lines() {
        let (diffusers, original) = line.split_once('\t').unwrap();
        let ours = match left.iter().position(|name| name == diffusers) {
            Some(at) => names::original_unet(&form, &left.swap_remove(at)),
            None => names::original_vae(4, diffusers),
        };
        assert_eq!(ours.as_deref(), Some(original), "{diffusers}");
    }
    assert!(left.is_empty(), "not in the list: {left:?}");
}

/// One frame at SD-Turbo's size, from the files that `tools/reference/full_size.py` wrote into
/// `PROMPTUS_FULL_SIZE`.
#[test]
fn full_size_agrees_with_diffusers() {
    let folder = std::env::var_os("PROMPTUS_FULL_SIZE").map(PathBuf::from);
    let (Some("1"), Some(folder)) = (std::env::var("PROMPTUS_LONG").ok().as_deref(), folder) else {
        eprintln!("skipped: run tools/reference/full_size.py");
        return;
    };
    let begun = std::time::Instant::now();
    let file = StableDiffusion::open(&folder, &CPU).unwrap();
    let form = Profile::sd_turbo().unet;
    let unet = UNet::new(&form, &Scope::root(&file.unet(&form)).sub("unet")).unwrap();
    println!("loaded in {:.1} s", begun.elapsed().as_secs_f64());
    let begun = std::time::Instant::now();
    let prompt = (normal(11, &[1, 77, 1024]) * 0.5).unwrap();
    let out = unet.forward(&normal(88, &[1, 4, 64, 64]), &prompt).unwrap();
    println!("one frame in {:.1} s", begun.elapsed().as_secs_f64());
    let expected = Checkpoint::read(&folder.join("expected.safetensors"), &CPU).unwrap();
    let expected = expected.tensor("out", &[1, 4, 64, 64]).unwrap();
    let distance = distance(&out, &expected);
    println!("full size: {distance:.2e}");
    assert!(distance < 1e-3, "{distance}");
}
