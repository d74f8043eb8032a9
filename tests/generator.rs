//! The networks against PyTorch's forward of the same weights, LPIPS and PSNR against published values.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/small_sd.rs"]
mod small_sd;

use candle_core::{Device, Tensor};
use promptus::frame::Frame;
use promptus::model::decoder::Decoder;
use promptus::model::weights::{Checkpoint, Source as _};
use promptus::model::{Encoder, Generator, picture, taesd};
use promptus::quality::{Squeeze, psnr};
use serde_json::Value;
use small_sd::{distance, values};
use std::path::Path;

const CPU: Device = Device::Cpu;

#[test]
fn mini_agrees_with_pytorch() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mini_forward.safetensors");
    let fixture = Checkpoint::read(&path, &CPU).unwrap();
    let tensor = |name: &str, shape: &[usize]| fixture.tensor(name, shape).unwrap();
    let generator = Generator::shipped(&CPU).unwrap();
    let start = generator.start((96, 64)).unwrap();
    let noise = tensor("noise", &[1, 16, 8, 12]);
    let start = start.fresh().unwrap();
    assert_eq!(values(&start), values(&(noise * 0.95).unwrap()));

    let p = tensor("p", &[1, 24, 32]);
    let latent = generator.latent(&p, &start).unwrap();
    assert!(distance(&latent, &tensor("latent", &[1, 16, 8, 12])) < 1e-4);
    let frame = generator.decode(&latent).unwrap();
    assert!(distance(&frame, &tensor("frame", &[1, 3, 64, 96])) < 1e-4);

    let image = tensor("image", &[1, 3, 64, 96]);
    let prompts = Encoder::shipped(&CPU).unwrap().prompts(&image).unwrap();
    assert!(distance(&prompts, &tensor("p_encoded", &[1, 24, 32])) < 1e-4);
}

#[test]
fn a_batch_gives_the_frames_of_its_members() {
    let generator = Generator::shipped(&CPU).unwrap();
    let start = generator.start((32, 32)).unwrap().fresh().unwrap();
    let one = Tensor::arange(0_f32, 128.0, &CPU).unwrap();
    let one = (one / 100.0).unwrap().reshape((1, 4, 32)).unwrap();
    let two = (&one * -0.7).unwrap();
    let both = Tensor::cat(&[&one, &two], 0).unwrap();
    let together = generator.frames(&both, &start).unwrap();
    let apart = [one, two].map(|p| generator.frames(&p, &start).unwrap());
    let apart = Tensor::cat(&apart, 0).unwrap();
    assert!(distance(&together, &apart) < 1e-5);
}

fn read_picture(file: &Path) -> Frame {
    let rgb = image::open(file).unwrap().into_rgb8();
    let (width, height) = rgb.dimensions();
    Frame::new(width, height, rgb.into_raw()).unwrap()
}

fn read_json(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// TAESD's encoder and decoder in ../shared.
fn tiny(models: &Path) -> (Encoder, Decoder) {
    let open = |half: &str| {
        let file = models.join(format!("taesd/taesd_{half}.safetensors"));
        Checkpoint::read(&file, &CPU).unwrap()
    };
    let decoder = taesd::decoder(&open("decoder")).unwrap();
    (taesd::encoder(&open("encoder")).unwrap(), decoder)
}

#[test]
fn taesd_agrees_with_its_reference_values() {
    let Some(shared) = common::shared() else {
        return;
    };
    let models = shared.join("models");
    let (encoder, decoder) = tiny(&models);
    let reference = read_json(&models.join("taesd/reference_values.json"));
    for clip in ["sky", "uvg"] {
        let file = format!("lpips/pairs/{clip}000_256_jpeg10_ref.png");
        let input = read_picture(&models.join(file));
        let input = picture::to_tensor(&input, (input.width(), input.height()), &CPU).unwrap();
        let expected = &reference[format!("{clip}000_256_box")];
        let latent = encoder.forward(&input).unwrap();
        assert_near(&latent, &expected["z_first8"]);
        let decoded = decoder.forward(&latent).unwrap();
        assert_near(&decoded, &expected["dec_first8"]);
        let error = (decoded.clamp(0.0, 1.0).unwrap() - input).unwrap();
        let error = error.sqr().unwrap().mean_all().unwrap();
        let psnr = -10.0 * f64::from(error.to_scalar::<f32>().unwrap()).log10();
        let published = expected["psnr"].as_f64().unwrap();
        let far = (psnr - published).abs();
        assert!(far < 0.02, "{psnr} against {published}");
    }
}

fn assert_near(tensor: &Tensor, first: &Value) {
    let first = first.as_array().unwrap().iter();
    for (got, expected) in values(tensor).into_iter().zip(first) {
        let far = (f64::from(got) - expected.as_f64().unwrap()).abs();
        assert!(far < 2e-4, "{got} against {expected}");
    }
}

#[test]
fn lpips_and_psnr_agree_with_their_reference_values() {
    let Some(folder) = common::shared().map(|shared| shared.join("models/lpips")) else {
        return;
    };
    let weights = folder.join("lpips_squeeze_v0.1.safetensors");
    let lpips = Squeeze::new(&Checkpoint::read(&weights, &CPU).unwrap()).unwrap();
    let reference = read_json(&folder.join("reference_values.json"));
    let pairs = reference["pairs"].as_array().unwrap();
    assert!(pairs.len() >= 7);
    for pair in pairs {
        let [original, distorted] = ["reference", "distorted"].map(|which| {
            let file = Path::new("pairs").join(pair[which].as_str().unwrap());
            read_picture(&folder.join(file))
        });
        let got = lpips.between(&distorted, &original).unwrap();
        let expected = pair["lpips_squeeze_v01"].as_f64().unwrap();
        let far = (got - expected).abs();
        assert!(far <= 2e-4, "{}: {got}, not {expected}", pair["name"]);
        let got = psnr(&distorted, &original).unwrap();
        let expected = pair["psnr_rgb_db"].as_f64().unwrap_or(f64::INFINITY);
        let same = got == expected || (got - expected).abs() < 1e-3;
        assert!(same, "{}: {got}", pair["name"]);
    }
}
