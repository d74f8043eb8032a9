//! SD-Turbo's structure at reduced width, and the values that PyTorch computed for it.

#![allow(dead_code)]

use candle_core::{Device, Tensor};
use promptus::model::profile::{AttentionForm, DecoderForm, Modulation, Stage, UNetForm, VaeForm};
use promptus::model::synthetic::RandomWeights;
use promptus::model::weights::{Checkpoint, Derived, Source};
use promptus::model::{Generator, Profile};
use promptus::segment::Track;
use promptus::segment::coded::CodedSegment;
use promptus::segment::media::{MediaSegment, read_media};
use std::path::Path;
use std::sync::LazyLock;

/// Seed of the random weights, as in `tools/reference/common.py`.
pub(crate) const SEED: u32 = 7;

/// The values of `tools/reference/make_fixtures.py`.
pub(crate) static FIXTURE: LazyLock<Checkpoint> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sd_reference.safetensors");
    Checkpoint::read(&file, &Device::Cpu).unwrap()
});

/// The full-size autoencoder at reduced width.
pub(crate) fn vae_form() -> VaeForm {
    VaeForm {
        widths: vec![32, 32, 64, 64],
        layers: 1,
        ..VaeForm::stable_diffusion()
    }
}

/// SD-Turbo at reduced width, `layers` resnets a level.
pub(crate) fn profile(layers: usize) -> Profile {
    let whole = Profile::sd_turbo();
    Profile {
        unet: UNetForm {
            widths: vec![32, 64, 128, 128],
            layers,
            modulation: Modulation::Time {
                timestep: 999.0,
                code: 32,
                dim: 128,
            },
            attention: Some(AttentionForm {
                heads: vec![1, 2, 4, 0],
                middle_heads: 4,
                context: 1024,
            }),
            ..whole.unet.clone()
        },
        decoder: DecoderForm {
            stages: Stage::list([(8, 1); 4]),
            ..DecoderForm::taesd()
        },
        ..whole
    }
}

/// A generator of [`profile`] of random weights, except for the layers of `group` in the fixture.
pub(crate) fn generator(layers: usize, group: &'static str) -> Generator {
    let random = RandomWeights::new(SEED, &Device::Cpu);
    let source = Derived::new(&Device::Cpu, |name, shape| {
        let stored = format!("weights.{group}.{name}");
        match FIXTURE.shape(&stored) {
            Some(_) => FIXTURE.tensor(&stored, shape),
            None => random.tensor(name, shape),
        }
    });
    Generator::new(profile(layers), &source, [0; 32]).unwrap()
}

/// A coded segment as a player reads it.
pub(crate) fn media(track: &Track, segment: &CodedSegment) -> MediaSegment {
    read_media(&segment.write(track, 1, 0).unwrap()).unwrap()
}

/// Every `step`th row and column from `first` on.
pub(crate) fn every(picture: &Tensor, first: usize, step: usize) -> Tensor {
    let (_, _, height, width) = picture.dims4().unwrap();
    let places = |side: usize| {
        let places = (first..side).step_by(step).map(|i| i as u32);
        Tensor::from_iter(places, &Device::Cpu).unwrap()
    };
    let rows = picture.index_select(&places(height), 2).unwrap();
    rows.index_select(&places(width), 3).unwrap()
}

pub(crate) fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// max ǀa − bǀ ÷ max ǀbǀ.
pub(crate) fn distance(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    let largest = |v: &[f32]| v.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
    let (a, b) = (values(a), values(b));
    let difference: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    largest(&difference) / largest(&b)
}
