//! One step of a fit of `mini`: forward, squared error, gradient of the prompts.

use super::SpeedError;
use super::spent::{Spent, matrix_peak, peak_memory};
use crate::model::{Generator, ModelError, ops};
use candle_core::{DType, Device, Tensor, Var};
use serde::Serialize;
use std::thread;

/// Seconds spent on each figure.
const SECONDS: f64 = 2.0;

/// Steps of each thread where threads make steps of their own.
const STEPS: usize = 10;

/// Speed of the fit; all figures are for one frame. `side_by_side_ms` is the time a step where every
/// thread makes steps of its own, as `encode` does; `gradients` counts those that the backward pass
/// returns: 1, that of the prompts. A multiply-add counts as two operations; the peak is that of a
/// large matrix product. Processor time and memory are absent where the system does not report them.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs)]
pub struct FitReport {
    pub profile: &'static str,
    pub size: [u32; 2],
    pub threads: usize,
    pub forward_ms: f64,
    pub step_ms: f64,
    pub processor_ms: Option<f64>,
    pub side_by_side_ms: f64,
    pub gradients: usize,
    pub peak_memory_bytes: Option<u64>,
    pub gflop: f64,
    pub gflops: f64,
    pub peak_gflops: f64,
    pub share_of_peak: f64,
}

/// Measures steps for a frame of `size`, width and height in pixels, on the current rayon pool.
pub fn fit(size: (u32, u32)) -> Result<FitReport, SpeedError> {
    let peak_gflops = 2e-9 * matrix_peak(&Device::Cpu, DType::F32)?;
    let scene = Scene::new(size)?;
    scene.step()?;
    let before = ops::multiply_adds();
    let gradients = scene.step()?;
    let gflop = 2e-9 * (ops::multiply_adds() - before) as f64;
    let forward = Spent::least(SECONDS, || scene.forward().map(drop))?;
    let step = Spent::least(SECONDS, || scene.step().map(drop))?;
    let threads = rayon::current_num_threads();
    let abreast = Spent::least(SECONDS, || side_by_side(&scene, threads))?;
    let gflops = gflop / step.wall;
    Ok(FitReport {
        profile: scene.generator.profile().name,
        size: size.into(),
        threads,
        forward_ms: 1000.0 * forward.wall,
        step_ms: 1000.0 * step.wall,
        processor_ms: step.processor.map(|seconds| 1000.0 * seconds),
        side_by_side_ms: 1000.0 * abreast.over(threads * STEPS).wall,
        gradients,
        peak_memory_bytes: peak_memory(),
        gflop,
        gflops,
        peak_gflops,
        share_of_peak: gflops / peak_gflops,
    })
}

/// Inputs of a step.
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

    /// One step; returns the number of gradients.
    fn step(&self) -> Result<usize, ModelError> {
        let frames = self.generator.frames(&self.prompt, &self.start)?;
        let error = ops::add_constant(&frames, &self.original.neg()?)?;
        let loss = error.sqr()?.mean_all()?;
        Ok(loss.backward()?.get_ids().count())
    }
}

/// [`STEPS`] steps on each of `threads` threads.
fn side_by_side(scene: &Scene, threads: usize) -> Result<(), SpeedError> {
    let work = || -> Result<(), SpeedError> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
        pool.install(|| Ok((0..STEPS).try_for_each(|_| scene.step().map(drop))?))
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut done = workers.into_iter().map(thread::ScopedJoinHandle::join);
        done.try_for_each(|result| result.unwrap_or(Err(SpeedError::Thread)))
    })
}
