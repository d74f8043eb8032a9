//! The networks against PyTorch's forward of the same weights.

#![allow(clippy::unwrap_used)]

mod common;

use candle_core::{DType, Device, Tensor};
use promptus::model::decoder::Decoder;
use promptus::model::weights::{Checkpoint, Source as _};
use promptus::model::{Encoder, Generator, picture, taesd};
use serde_json::Value;
use std::path::Path;

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// max |a − b| ÷ max |b|.
fn distance(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    let largest = |v: &[f32]| v.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
    let (a, b) = (values(a), values(b));
    let difference: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    largest(&difference) / largest(&b)
}

#[test]
fn mini_agrees_with_pytorch() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/mini_forward.safetensors");
    let fixture = Checkpoint::read(&path, &Device::Cpu).unwrap();
    let tensor = |name: &str, shape: &[usize]| fixture.tensor(name, shape).unwrap();
    let generator = Generator::shipped(&Device::Cpu).unwrap();
    let start = generator.start((96, 64)).unwrap();
    let noise = tensor("noise", &[1, 16, 8, 12]);
    assert_eq!(
        values(&start.fresh().unwrap()),
        values(&(noise * 0.95).unwrap())
    );

    let p = tensor("p", &[1, 24, 32]);
    let latent = generator.latent(&p, &start.fresh().unwrap()).unwrap();
    assert!(distance(&latent, &tensor("latent", &[1, 16, 8, 12])) < 1e-4);
    let frame = generator.decode(&latent).unwrap();
    assert!(distance(&frame, &tensor("frame", &[1, 3, 64, 96])) < 1e-4);

    let image = tensor("image", &[1, 3, 64, 96]);
    let prompts = Encoder::shipped(&Device::Cpu)
        .unwrap()
        .prompts(&image)
        .unwrap();
    assert!(distance(&prompts, &tensor("p_encoded", &[1, 24, 32])) < 1e-4);
}

#[test]
fn a_batch_gives_the_frames_of_its_members() {
    let generator = Generator::shipped(&Device::Cpu).unwrap();
    let start = generator.start((32, 32)).unwrap().fresh().unwrap();
    let one = Tensor::arange(0_f32, 128.0, &Device::Cpu).unwrap();
    let one = (one / 100.0).unwrap().reshape((1, 4, 32)).unwrap();
    let two = (&one * -0.7).unwrap();
    let both = Tensor::cat(&[&one, &two], 0).unwrap();
    let together = generator.frames(&both, &start).unwrap();
    let apart = [one, two].map(|p| generator.frames(&p, &start).unwrap());
    let apart = Tensor::cat(&apart, 0).unwrap();
    assert!(distance(&together, &apart) < 1e-5);
}

/// The mean squared error's PSNR of pictures in 0..1, the first one clamped.
fn psnr(picture: &Tensor, original: &Tensor) -> f64 {
    let error = (picture.clamp(0.0, 1.0).unwrap() - original).unwrap();
    let mse = error.sqr().unwrap().mean_all().unwrap();
    let mse: f32 = mse.to_dtype(DType::F32).unwrap().to_scalar().unwrap();
    -10.0 * f64::from(mse).log10()
}

fn read_picture(file: &Path) -> Tensor {
    let rgb = image::open(file).unwrap().into_rgb8();
    let (width, height) = rgb.dimensions();
    let frame = promptus::frame::Frame::new(width, height, rgb.into_raw()).unwrap();
    picture::to_tensor(&frame, (width, height), &Device::Cpu).unwrap()
}

/// TAESD's encoder and decoder in ../shared.
fn tiny(models: &Path) -> (Encoder, Decoder) {
    let open = |half: &str| {
        let file = models.join(format!("taesd/taesd_{half}.safetensors"));
        Checkpoint::read(&file, &Device::Cpu).unwrap()
    };
    let (encoder, decoder) = (open("encoder"), open("decoder"));
    (
        taesd::encoder(&encoder).unwrap(),
        taesd::decoder(&decoder).unwrap(),
    )
}

#[test]
fn taesd_agrees_with_its_reference_values() {
    let Some(shared) = common::shared() else {
        return;
    };
    let models = shared.join("models");
    let (encoder, decoder) = tiny(&models);
    let text = std::fs::read_to_string(models.join("taesd/reference_values.json"));
    let reference: Value = serde_json::from_str(&text.unwrap()).unwrap();
    for clip in ["sky", "uvg"] {
        let file = format!("lpips/pairs/{clip}000_256_jpeg10_ref.png");
        let input = read_picture(&models.join(file));
        let expected = &reference[format!("{clip}000_256_box")];
        let latent = encoder.forward(&input).unwrap();
        assert_near(&latent, &expected["z_first8"]);
        let decoded = decoder.forward(&latent).unwrap();
        assert_near(&decoded, &expected["dec_first8"]);
        let psnr = psnr(&decoded, &input);
        let published = expected["psnr"].as_f64().unwrap();
        assert!(
            (psnr - published).abs() < 0.02,
            "{psnr} against {published}"
        );
    }
}

fn assert_near(tensor: &Tensor, first: &Value) {
    let got = values(tensor);
    for (i, expected) in first.as_array().unwrap().iter().enumerate() {
        let expected = expected.as_f64().unwrap();
        assert!(
            (f64::from(got[i]) - expected).abs() < 2e-4,
            "{} against {expected}",
            got[i]
        );
    }
}
