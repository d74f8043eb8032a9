//! `promptus bench fit`: one step of a fit of `mini`: forward, squared error, gradient of the
//! prompts.
//!
//! With `--json` one object on stdout:
//!
//! ```text
//! { "bench": "fit", "profile": "mini", "size": [256, 256], "threads": 2,
//!   "forward_ms": 6.0, "step_ms": 14.0, "processor_ms": 14.0, "side_by_side_ms": 8.0,
//!   "gradients": 1, "peak_memory_bytes": 90000000,
//!   "gflop": 1.3, "gflops": 90.0, "peak_gflops": 300.0, "share_of_peak": 0.3,
//!   "peers": [{ "name": "…", "ms": 150.0, "ratio": 10.0 }] }
//! ```
//! All for one frame. `side_by_side_ms` is the time a step where every thread makes steps of its
//! own, as `encode` does; `gradients` counts what the backward pass leaves behind: that of the
//! prompts and no weight's.

use super::measure::{Spent, matrix_peak, peak_memory};
use super::stock::{self, StockMini};
use super::{CliError, Peer, explain, parse_size, pool, print_json};
use crate::model::synthetic::RandomWeights;
use crate::model::{Generator, ModelError, Profile, ops};
use candle_core::{DType, Device, Tensor, Var};
use serde::Serialize;
use std::io;
use std::thread;

/// Seconds for each figure.
const PATIENCE: f64 = 2.0;

/// Steps that each thread makes where they work side by side.
const STEPS: usize = 10;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Size of the frame.
    #[arg(long, value_name = "WxH", default_value = "256x256", value_parser = parse_size)]
    size: (u32, u32),
    /// Threads to compute with [default: one a core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Also time the same step with candle's own operations.
    #[arg(long)]
    stock: bool,
    /// Print the report as one JSON object on stdout.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    bench: &'static str,
    profile: &'static str,
    size: [u32; 2],
    threads: usize,
    forward_ms: f64,
    step_ms: f64,
    processor_ms: Option<f64>,
    side_by_side_ms: f64,
    gradients: usize,
    peak_memory_bytes: Option<u64>,
    gflop: f64,
    gflops: f64,
    peak_gflops: f64,
    share_of_peak: f64,
    peers: Vec<Peer>,
}

/// What one step works on.
struct Scene {
    generator: Generator,
    prompt: Var,
    start: Tensor,
    original: Tensor,
}

impl Scene {
    fn new(size: (u32, u32)) -> Result<Self, ModelError> {
        let generator = Generator::shipped(&Device::Cpu)?;
        let coded = generator.profile().coded_size(size);
        let shape = generator.profile().prompt_shape(coded);
        let dims = (1, shape.tokens, shape.dim);
        let prompt = Tensor::randn(0f32, 0.1, dims, &Device::Cpu)?;
        let start = generator.start(coded)?.fresh()?;
        let picture = (1, 3, coded.1 as usize, coded.0 as usize);
        Ok(Self {
            generator,
            prompt: Var::from_tensor(&prompt)?,
            start,
            original: Tensor::rand(0f32, 1.0, picture, &Device::Cpu)?,
        })
    }

    fn forward(&self) -> Result<Tensor, ModelError> {
        self.generator.frames(&self.prompt.detach(), &self.start)
    }

    /// The number of gradients that one step leaves behind.
    fn step(&self) -> Result<usize, ModelError> {
        let frames = self.generator.frames(&self.prompt, &self.start)?;
        let away = ops::add_constant(&frames, &self.original.neg()?)?;
        let loss = away.sqr()?.mean_all()?;
        Ok(loss.backward()?.get_ids().count())
    }
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let report = pool(args.threads)?.install(|| bench(args))?;
    report.explain(&mut io::stderr().lock())?;
    if args.json {
        print_json(&report)?;
    }
    Ok(())
}

fn bench(args: &Args) -> Result<Report, CliError> {
    let peak = 2e-9 * matrix_peak(&Device::Cpu, DType::F32)?;
    let scene = Scene::new(args.size)?;
    scene.step()?;
    let before = ops::multiply_adds();
    let gradients = scene.step()?;
    let gflop = 2e-9 * (ops::multiply_adds() - before) as f64;
    let forward = Spent::least(PATIENCE, || scene.forward().map(drop))?;
    let step = Spent::least(PATIENCE, || scene.step().map(drop))?;
    let threads = rayon::current_num_threads();
    let abreast = Spent::least(PATIENCE, || side_by_side(&scene, threads))?;
    let memory = peak_memory();
    let mut peers = Vec::new();
    if args.stock {
        let seconds = stock_step(&scene)?;
        peers.push(Peer::new("candle's own operations", seconds, step.wall));
    }
    let gflops = gflop / step.wall;
    Ok(Report {
        bench: "fit",
        profile: scene.generator.profile().name,
        size: args.size.into(),
        threads,
        forward_ms: 1000.0 * forward.wall,
        step_ms: 1000.0 * step.wall,
        processor_ms: step.processor.map(|seconds| 1000.0 * seconds),
        side_by_side_ms: 1000.0 * abreast.over(threads * STEPS).wall,
        gradients,
        peak_memory_bytes: memory,
        gflop,
        gflops,
        peak_gflops: peak,
        share_of_peak: gflops / peak,
        peers,
    })
}

/// [`STEPS`] steps on each of `threads` threads.
fn side_by_side(scene: &Scene, threads: usize) -> Result<(), CliError> {
    let work = || -> Result<(), CliError> {
        pool(Some(1))?.install(|| {
            (0..STEPS).try_for_each(|_| scene.step().map(drop))?;
            Ok(())
        })
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let done = workers.into_iter().map(|worker| {
            let died = |_| Err(CliError::check("a thread died"));
            worker.join().unwrap_or_else(died)
        });
        done.collect()
    })
}

fn stock_step(scene: &Scene) -> Result<f64, CliError> {
    let (profile, weights) = (Profile::mini(), RandomWeights::new(1, &Device::Cpu));
    let stock = StockMini::new(&profile, &weights);
    let (_, _, rows, columns) = scene.start.dims4()?;
    let step = || -> Result<(), CliError> {
        let map = stock::as_map(&scene.prompt, (rows / 2, columns / 2))?;
        let frames = stock.frames(&map, &scene.start)?;
        let loss = (frames - &scene.original)?.sqr()?.mean_all()?;
        loss.backward()?;
        Ok(())
    };
    Ok(Spent::least(PATIENCE, step)?.wall)
}

impl Report {
    fn explain(&self, out: &mut impl io::Write) -> io::Result<()> {
        let [width, height] = self.size;
        writeln!(
            out,
            "fit       {} at {width}x{height} on cpu, {} threads, one frame",
            self.profile, self.threads
        )?;
        let processor = self.processor_ms;
        let processor = processor.map_or("unknown".to_owned(), |ms| format!("{ms:.2} ms"));
        writeln!(
            out,
            "speed     {:.2} ms a step (forward alone {:.2}), processor time {processor}; \
             {:.2} ms with steps side by side",
            self.step_ms, self.forward_ms, self.side_by_side_ms
        )?;
        writeln!(out, "gradients {} kept: the prompts' alone", self.gradients)?;
        if let Some(bytes) = self.peak_memory_bytes {
            writeln!(out, "memory    {:.0} MB at most", bytes as f64 / 1e6)?;
        }
        writeln!(
            out,
            "share     {:.0} % of the matrix peak: {:.3} GFLOP a step, {:.0} GFLOP/s of {:.0}",
            100.0 * self.share_of_peak,
            self.gflop,
            self.gflops,
            self.peak_gflops
        )?;
        explain(&self.peers, out)
    }
}
