//! LPIPS and PSNR against published and reference values, on real pictures.

#![allow(clippy::unwrap_used)]

mod common;

use candle_core::Device;
use promptus::frame::Frame;
use promptus::model::weights::Checkpoint;
use promptus::quality::{Squeeze, psnr};
use std::path::Path;

fn frame(path: &Path) -> Frame {
    let image = image::open(path).unwrap().to_rgb8();
    let (width, height) = image.dimensions();
    Frame::new(width, height, image.into_raw()).unwrap()
}

#[test]
fn agrees_with_the_reference_values() {
    let Some(folder) = common::shared().map(|shared| shared.join("models/lpips")) else {
        return;
    };
    let weights = folder.join("lpips_squeeze_v0.1.safetensors");
    let lpips = Squeeze::new(&Checkpoint::read(&weights, &Device::Cpu).unwrap()).unwrap();
    let reference = std::fs::read(folder.join("reference_values.json")).unwrap();
    let reference: serde_json::Value = serde_json::from_slice(&reference).unwrap();
    let pairs = reference["pairs"].as_array().unwrap();
    assert!(pairs.len() >= 7);
    for pair in pairs {
        let picture =
            |which: &str| frame(&folder.join("pairs").join(pair[which].as_str().unwrap()));
        let (original, distorted) = (picture("reference"), picture("distorted"));
        let got = lpips.between(&distorted, &original).unwrap();
        let expected = pair["lpips_squeeze_v01"].as_f64().unwrap();
        assert!(
            (got - expected).abs() <= 2e-4,
            "{}: {got}, not {expected}",
            pair["name"]
        );
        let got = psnr(&distorted, &original).unwrap();
        let expected = pair["psnr_rgb_db"].as_f64().unwrap_or(f64::INFINITY);
        assert!(
            got == expected || (got - expected).abs() < 1e-3,
            "{}: {got}",
            pair["name"]
        );
    }
}
