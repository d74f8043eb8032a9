//! Times single operations on request, for side-by-side comparison with another framework:
//! `tools/bench_torch/bench.py` starts this and alternates with PyTorch.
//!
//! One request a line on stdin, one answer a line on stdout, the best time in seconds:
//! `conv own|stock fwd|bwd INPUTS OUTPUTS SIDE KERNEL STRIDE`.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use candle_core::{Device, Result, Tensor, Var};
use promptus::model::ops::Conv2d;

fn main() {
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let seconds = answer(&words).unwrap().unwrap_or(f64::NAN);
        println!("{seconds:.9}");
        std::io::stdout().flush().unwrap();
    }
}

fn answer(words: &[&str]) -> Result<Option<f64>> {
    let [what, form, pass, numbers @ ..] = words else {
        return Ok(None);
    };
    let numbers: Vec<usize> = numbers.iter().filter_map(|n| n.parse().ok()).collect();
    match (*what, numbers.as_slice()) {
        ("conv", &[inputs, outputs, side, kernel, stride]) => {
            let weight = Tensor::randn(0f32, 0.1, (outputs, inputs, kernel, kernel), &Device::Cpu)?;
            let bias = Tensor::zeros(outputs, weight.dtype(), weight.device())?;
            let x = Tensor::randn(0f32, 1.0, (1, inputs, side, side), &Device::Cpu)?;
            let layer = Conv2d::new(&weight, Some(&bias), stride, kernel / 2)?;
            let bias = bias.reshape((1, outputs, 1, 1))?;
            let stock = |x: &Tensor| {
                x.conv2d(&weight, kernel / 2, stride, 1, 1)?
                    .broadcast_add(&bias)
            };
            match *form {
                "own" => time(&x, pass, |x| layer.forward(x)).map(Some),
                _ => time(&x, pass, stock).map(Some),
            }
        }
        _ => Ok(None),
    }
}

/// Best time of one forward pass, or of one backward pass with a gradient of ones.
fn time(x: &Tensor, pass: &str, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<f64> {
    if pass == "fwd" {
        return best(|| f(x).map(drop));
    }
    let y = f(Var::from_tensor(x)?.as_tensor())?;
    best(|| y.backward().map(drop))
}

fn best(f: impl Fn() -> Result<()>) -> Result<f64> {
    let begin = Instant::now();
    let mut best = Duration::MAX;
    let mut runs = 0;
    while runs < 3 || begin.elapsed() < Duration::from_millis(60) {
        let start = Instant::now();
        black_box(f()?);
        best = best.min(start.elapsed());
        runs += 1;
    }
    Ok(best.as_secs_f64())
}
