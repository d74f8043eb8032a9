//! Times single operations on request, for side-by-side comparison with another framework:
//! `tools/bench_torch/bench.py` starts this and alternates with PyTorch.
//!
//! One request a line on stdin, one answer a line on stdout, the best time in seconds:
//! `conv own|stock fwd|bwd INPUTS OUTPUTS SIDE KERNEL STRIDE`,
//! `mini own fwd|step BATCH SIDE` (step: forward, mean squared error, gradient of the prompts),
//! `lpips own fwd|step SIDE` (against a prepared target; seeded random weights).

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, Write};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use candle_core::{Device, Error, Result, Tensor, Var};
use promptus::model::Generator;
use promptus::model::ops::{Conv2d, keep_freed_memory};
use promptus::model::synthetic::RandomWeights;
use promptus::quality::Squeeze;

fn main() {
    keep_freed_memory();
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
        ("mini", &[batch, side]) => mini(pass, batch, side).map(Some),
        ("lpips", &[side]) => lpips(pass, side).map(Some),
        _ => Ok(None),
    }
}

fn mini(pass: &str, batch: usize, side: usize) -> Result<f64> {
    let generator = Generator::shipped(&Device::Cpu).map_err(Error::wrap)?;
    let size = (side as u32, side as u32);
    let start = generator
        .start(size)
        .and_then(|start| start.fresh())
        .map_err(Error::wrap)?;
    let shape = generator.profile().prompt_shape(size);
    let prompts = Tensor::randn(0f32, 0.1, (batch, shape.tokens, shape.dim), &Device::Cpu)?;
    let original = Tensor::rand(0f32, 1.0, (batch, 3, side, side), &Device::Cpu)?;
    let render = |prompts: &Tensor| generator.frames(prompts, &start).map_err(Error::wrap);
    step(
        pass,
        &prompts,
        |prompts| render(prompts),
        |frames| (frames - &original)?.sqr()?.mean_all(),
    )
}

fn lpips(pass: &str, side: usize) -> Result<f64> {
    let lpips = Squeeze::new(&RandomWeights::new(1, &Device::Cpu)).map_err(Error::wrap)?;
    let picture = || Tensor::rand(0f32, 1.0, (1, 3, side, side), &Device::Cpu);
    let target = lpips.target(&picture()?).map_err(Error::wrap)?;
    let distance = |x: &Tensor| lpips.distance(x, &target).map_err(Error::wrap);
    step(pass, &picture()?, distance, Tensor::sum_all)
}

/// Best time of one forward pass, or of forward pass, loss and gradient of the input.
fn step(
    pass: &str,
    x: &Tensor,
    forward: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync,
    loss: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync,
) -> Result<f64> {
    let variable = Var::from_tensor(x)?;
    match pass {
        "fwd" => best(400, || forward(x).map(drop)),
        _ => best(400, || loss(&forward(&variable)?)?.backward().map(drop)),
    }
}

/// Best time of one forward pass, or of one backward pass with a gradient of ones.
fn time(
    x: &Tensor,
    pass: &str,
    f: impl Fn(&Tensor) -> Result<Tensor> + Send + Sync,
) -> Result<f64> {
    if pass == "fwd" {
        return best(60, || f(x).map(drop));
    }
    let y = f(Var::from_tensor(x)?.as_tensor())?;
    best(60, || y.backward().map(drop))
}

fn best(limit: u64, f: impl Fn() -> Result<()> + Send) -> Result<f64> {
    // Inside the pool, so that a pool of one thread does all the work on the thread being timed.
    rayon::scope(move |_| {
        let begin = Instant::now();
        let mut best = f64::INFINITY;
        let mut runs = 0;
        while runs < 3 || begin.elapsed() < Duration::from_millis(limit) {
            let start = seconds();
            f()?;
            best = best.min(seconds() - start);
            runs += 1;
        }
        Ok(best)
    })
}

/// A clock: the time this thread has spent on a processor when it does all the work, which other
/// load does not change; otherwise wall time.
fn seconds() -> f64 {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    if rayon::current_num_threads() > 1 {
        return BEGIN.elapsed().as_secs_f64();
    }
    thread_seconds().unwrap_or_else(|| BEGIN.elapsed().as_secs_f64())
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn thread_seconds() -> Option<f64> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the call writes one timespec, which lives until it returns.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    (status == 0).then_some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
}

#[cfg(not(target_os = "linux"))]
fn thread_seconds() -> Option<f64> {
    None
}
