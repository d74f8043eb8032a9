//! Convolutions of the mini generator and one whole forward pass at 256×256:
//! `cargo bench --bench forward`.

#![allow(clippy::unwrap_used)]

use candle_core::{Device, Tensor};
use divan::Bencher;
use promptus::model::Generator;
use promptus::model::ops::{Conv2d, keep_freed_memory};

fn main() {
    keep_freed_memory();
    divan::main();
}

/// (input channels, output channels, side, stride), kernel 3×3.
const SHAPES: [(usize, usize, usize, usize); 7] = [
    (12, 12, 128, 1),
    (24, 24, 64, 1),
    (32, 32, 32, 1),
    (64, 64, 16, 1),
    (96, 96, 8, 1),
    (192, 96, 8, 1),
    (32, 32, 32, 2),
];

#[divan::bench(args = SHAPES)]
fn convolution(
    bencher: Bencher<'_, '_>,
    (inputs, outputs, side, stride): (usize, usize, usize, usize),
) {
    let random = |dims: &[usize]| Tensor::randn(0f32, 1.0, dims, &Device::Cpu).unwrap();
    let layer = Conv2d::new(&random(&[outputs, inputs, 3, 3]), None, stride, 1).unwrap();
    let x = random(&[1, inputs, side, side]);
    bencher.bench(|| layer.forward(&x).unwrap());
}

#[divan::bench]
fn mini_256(bencher: Bencher<'_, '_>) {
    let generator = Generator::shipped(&Device::Cpu).unwrap();
    let size = (256, 256);
    let start = generator.start(size).unwrap().fresh().unwrap();
    let shape = generator.profile().prompt_shape(size);
    let prompt = Tensor::randn(0f32, 0.1, (1, shape.tokens, shape.dim), &Device::Cpu).unwrap();
    bencher.bench(|| generator.frames(&prompt, &start).unwrap());
}
