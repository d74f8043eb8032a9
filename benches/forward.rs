//! Convolutions of the mini generator, forward and backward, then next to candle's own in the same run:
//! `cargo bench --bench forward`. Whole frames and steps are measured by `promptus bench`.

#![allow(clippy::unwrap_used)]

use candle_core::{Device, Tensor, Var};
use divan::Bencher;
use promptus::model::ops::{Conv2d, keep_freed_memory};
use std::time::Instant;

fn main() {
    keep_freed_memory();
    divan::main();
    // `cargo test --benches` runs each bench once and skips the comparisons.
    if std::env::args().any(|argument| argument == "--bench") {
        ratios();
    }
}

/// (input channels, output channels, side, stride), kernel 3×3.
type Shape = (usize, usize, usize, usize);

const SHAPES: [Shape; 7] = [
    (12, 12, 128, 1),
    (24, 24, 64, 1),
    (32, 32, 32, 1),
    (64, 64, 16, 1),
    (96, 96, 8, 1),
    (192, 96, 8, 1),
    (32, 32, 32, 2),
];

fn random(dims: &[usize]) -> Tensor {
    Tensor::randn(0f32, 1.0, dims, &Device::Cpu).unwrap()
}

fn layer((inputs, outputs, side, stride): Shape) -> (Conv2d, Tensor, Tensor) {
    let weight = random(&[outputs, inputs, 3, 3]);
    let layer = Conv2d::new(&weight, None, stride, 1).unwrap();
    (layer, weight, random(&[1, inputs, side, side]))
}

#[divan::bench(args = SHAPES, max_time = 0.5)]
fn convolution(bencher: Bencher<'_, '_>, shape: Shape) {
    let (layer, _, x) = layer(shape);
    bencher.bench(|| layer.forward(&x).unwrap());
}

#[divan::bench(args = SHAPES, max_time = 0.5)]
fn convolution_backward(bencher: Bencher<'_, '_>, shape: Shape) {
    let (layer, _, x) = layer(shape);
    let x = Var::from_tensor(&x).unwrap();
    let y = layer.forward(&x).unwrap();
    bencher.bench(|| y.backward().unwrap());
}

/// Ours and candle's own convolution in turns, forward and backward.
fn ratios() {
    println!(
        "\n3×3 convolution        forward µs: ours  candle  ratio   backward µs: ours  candle  ratio"
    );
    for shape in SHAPES {
        let (layer, weight, x) = layer(shape);
        let (inputs, outputs, side, stride) = shape;
        let x = Var::from_tensor(&x).unwrap();
        let stock = || x.conv2d(&weight, 1, stride, 1, 1).unwrap();
        let forward = pair(|| drop(layer.forward(&x).unwrap()), || drop(stock()));
        // Candle's gradient of a strided convolution fails on the row that no window reaches.
        let (ours, theirs) = (layer.forward(&x).unwrap(), stock());
        let candle = || drop(theirs.backward());
        let backward = pair(|| drop(ours.backward().unwrap()), candle);
        let line = |(ours, candle): (f64, f64)| {
            format!(
                "{:10.1} {:8.1} {:6.1}",
                1e6 * ours,
                1e6 * candle,
                candle / ours
            )
        };
        let name = format!("{inputs}→{outputs} @{side} stride {stride}");
        println!("{name:22} {:>27}   {:>32}", line(forward), line(backward));
    }
}

/// Best seconds of each of two functions, called in turns.
fn pair(mut ours: impl FnMut(), mut theirs: impl FnMut()) -> (f64, f64) {
    let seconds = |work: &mut dyn FnMut()| {
        let begun = Instant::now();
        work();
        begun.elapsed().as_secs_f64()
    };
    let begun = Instant::now();
    let mut best = (f64::INFINITY, f64::INFINITY);
    while begun.elapsed().as_secs_f64() < 0.5 {
        best.0 = best.0.min(seconds(&mut ours));
        best.1 = best.1.min(seconds(&mut theirs));
    }
    best
}
